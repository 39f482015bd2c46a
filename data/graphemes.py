"""Characters as readers see them: the unit that has a label box.

Unicode calls them extended grapheme clusters (UAX #29): a letter with its accents and vowel signs, a conjunct of
Devanagari, an emoji with its modifiers. Text is kept in NFC wherever it enters, so a cluster is a single code point
wherever Unicode has one for it.

There is one exception to Unicode's rules: lam followed by alef is one cluster here. Every Arabic font draws the two as
one shape that cannot be cut into two letters, so they have one box and count as one character.
"""

from __future__ import annotations

import unicodedata

import regex

_CLUSTERS = regex.compile(r"\u0644\p{Mn}*[\u0622\u0623\u0625\u0627\u0671][\p{GCB=Extend}\p{GCB=ZWJ}]*|\X")


def clusters(text: str) -> list[str]:
    """Return the clusters of a text; concatenated they are the text."""
    return list(text) if text.isascii() else _CLUSTERS.findall(text)


def count_clusters(text: str) -> int:
    """Return the number of clusters of a text."""
    return len(text) if text.isascii() else len(_CLUSTERS.findall(text))


def nfc(text: str) -> str:
    """Return the text in Unicode's NFC; this changes neither the number nor the meaning of its clusters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)
