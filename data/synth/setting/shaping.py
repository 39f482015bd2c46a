"""The text to draw for each cluster of a word, and whether the installation can draw it.

The letters of cursive scripts (Arabic, Syriac, N'Ko, ...) change with their neighbours. Nevertheless each cluster is
drawn alone, in the form that it has in its word: a ZERO WIDTH JOINER is added on each side on which it joins its
neighbour, according to Unicode's Joining_Type. Side by side, at the distances of their advances, the forms look like
the word as a text engine draws it, except for ligatures, of which only lam-alef is obligatory (see `data.graphemes`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import regex
from PIL import features

from config.errors import UserError

JOINER = "\u200d"
HEH = "\u0647"
ROUND_HEH = "\u06d5"
APART = "\u200c"
"""Added before a heh that joins neither neighbour. In a word such a heh is round, like the letter U+06D5; a heh alone
is an abbreviation, for which fonts draw another form."""
_TRANSPARENT = regex.compile(r"\p{Joining_Type=T}+")
_JOINS_PREVIOUS = regex.compile(r"[\p{jt=D}\p{jt=R}\p{jt=C}]")
_JOINS_NEXT = regex.compile(r"[\p{jt=D}\p{jt=L}\p{jt=C}]")
_CURSIVE = regex.compile(r"[\p{jt=D}\p{jt=R}\p{jt=L}\p{jt=C}]")
_INVISIBLE = regex.compile(r"\p{Default_Ignorable_Code_Point}")
_HEADLINE = regex.compile(r"[\p{Script=Devanagari}\p{Script=Bengali}\p{Script=Gurmukhi}]")


def has_raqm() -> bool:
    """Return whether Pillow can shape text."""
    return bool(features.check("raqm"))


def require_shaping(alphabet: Iterable[str]) -> None:
    """Refuse an alphabet that needs a text engine if Pillow has none.

    Raises:
        UserError: Pillow's raqm is missing and a character combines, joins its neighbours, or runs from right to left.
    """
    if has_raqm():
        return
    for character in sorted(alphabet):
        if needs_shaping(character):
            name = unicodedata.name(character, "a character")
            raise UserError(
                f"The alphabet contains {name} (U+{ord(character):04X}), which Pillow can draw only with raqm, and "
                f"`python -m PIL.features` reports none here: install FriBiDi (libfribidi0, or fribidi with brew or "
                f"conda) beside a Pillow wheel of PyPI, or choose another text.language or text.alphabet."
            )


def needs_shaping(character: str) -> bool:
    """Return whether a character combines, joins its neighbours, or runs from right to left."""
    return (
        unicodedata.category(character)[0] == "M"
        or unicodedata.bidirectional(character) in ("R", "AL")
        or _CURSIVE.match(character) is not None
    )


def is_invisible(character: str) -> bool:
    """Return whether a character has no ink by design, like a joiner or a variation selector."""
    return _INVISIBLE.match(character) is not None


def stays_horizontal(words: Iterable[str]) -> bool:
    """Return whether words cannot be written from top to bottom: their letters join, or run from right to left."""
    return any(
        not word.isascii()
        and any(
            unicodedata.bidirectional(character) in ("R", "AL") or _CURSIVE.match(character) is not None
            for character in word
        )
        for word in words
    )


def contextual_forms(word: Sequence[str]) -> list[str]:
    """Return the clusters of a word, each with a joiner on the sides on which it joins its neighbours."""
    joined = [_joins(first, second) for first, second in pairwise(word)]
    if not any(joined) and HEH not in word:
        return list(word)
    forms = []
    for place, cluster in enumerate(word):
        before, after = place > 0 and joined[place - 1], place < len(joined) and joined[place]
        if cluster[0] == HEH and place > 0 and not before and not after:
            forms.append(APART + cluster)
        else:
            forms.append((JOINER if before else "") + cluster + (JOINER if after else ""))
    return forms


def touching(first: str, second: str) -> bool:
    """Return whether two adjacent forms are joined by a stroke, so that there must be no space between them."""
    if first.isascii() or second.isascii():
        return False
    if first.endswith(JOINER) and second.startswith(JOINER):
        return True
    return _HEADLINE.match(first) is not None and _HEADLINE.match(second) is not None


def pair_text(first: str, second: str) -> str:
    """Return the text of two neighbouring forms, with only the joiners of its outer sides."""
    if first.endswith(JOINER) and second.startswith(JOINER):
        return first[:-1] + second[1:]
    return first + second


@lru_cache(maxsize=16384)
def _joins(first: str, second: str) -> bool:
    if first.isascii() or second.isascii():
        return False
    last, start = _TRANSPARENT.sub("", first)[-1:], _TRANSPARENT.sub("", second)[:1]
    return _JOINS_NEXT.match(last) is not None and _JOINS_PREVIOUS.match(start) is not None
