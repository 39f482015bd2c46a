"""Direction of text: the visual order of the words of a line and of the clusters of a word.

This is the Unicode Bidirectional Algorithm (UAX #9) for a line without embeddings, isolates and overrides, with two
differences. A cluster has the class of its first code point, so its marks stay with it. And a word is never divided,
because it has one box: if the algorithm would separate the parts of a word with two directions, the words keep the
order of their base direction and only the parts within the word change places.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BRACKETS = dict(zip("([{⟨「『【（［", ")]}⟩」』】）］", strict=True))
_CLOSING = {close: opening for opening, close in _BRACKETS.items()}
_NUMBERS = ("EN", "AN")
_KNOWN = {"L", "R", "AL", "EN", "AN", "ES", "ET", "CS", "NSM"}


@dataclass(frozen=True)
class LineOrder:
    """A line from left to right.

    Attributes:
        words: indices of the words.
        clusters: for each word in logical order the indices of its clusters.
        levels: for each word in logical order the level of each cluster in logical order; odd levels run left.
    """

    words: list[int]
    clusters: list[list[int]]
    levels: list[list[int]]


def runs_left(words: Iterable[str]) -> bool:
    """Return whether a text runs from right to left: whether most of its letters belong to such a script."""
    balance = 0
    for word in words:
        if not word.isascii():
            for character in word:
                kind = unicodedata.bidirectional(character)
                balance += 1 if kind in ("R", "AL") else -(kind == "L")
        else:
            balance -= sum(map(str.isalpha, word))
    return balance > 0


def order_line(words: Sequence[Sequence[str]], leftwards: bool) -> LineOrder:
    """Return the visual order of a line.

    Args:
        words: the clusters of each word, in logical order.
        leftwards: the base direction, from `runs_left` for the whole block.
    """
    flat: list[str] = []
    firsts = []
    for word in words:
        if flat:
            flat.append(" ")
        firsts.append(len(flat))
        flat += word
    every = _resolve(flat, int(leftwards))
    levels = [every[first : first + len(word)] for first, word in zip(firsts, words, strict=True)]
    blocks: list[int] = []
    for first, word_levels in zip(firsts, levels, strict=True):
        if blocks:
            blocks.append(every[first - 1])
        blocks.append(min(word_levels))
    return LineOrder(
        words=[place // 2 for place in visual_order(blocks) if place % 2 == 0],
        clusters=[visual_order(word_levels) for word_levels in levels],
        levels=levels,
    )


def visual_order(levels: Sequence[int]) -> list[int]:
    """Return the indices from left to right by rule L2, which reverses each run of a level or higher levels."""
    order = list(range(len(levels)))
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(order):
            stop = start
            while stop < len(order) and levels[order[stop]] >= level:
                stop += 1
            order[start:stop] = reversed(order[start:stop])
            start = max(stop, start + 1)
    return order


def _resolve(flat: Sequence[str], base: int) -> list[int]:
    """Return the level of each cluster: rules W1 to W7, N0 to N2, I1 and I2."""
    kinds = [unicodedata.bidirectional(cluster[0]) or "L" for cluster in flat]
    kinds = [kind if kind in _KNOWN else "ON" for kind in kinds]
    edge = "R" if base else "L"
    _weak(kinds, edge)
    _brackets(kinds, flat, edge)
    _neutral(kinds, edge)
    rise = {("L", 0): 0, ("R", 0): 1, ("EN", 0): 2, ("AN", 0): 2, ("R", 1): 1, ("L", 1): 2, ("EN", 1): 2, ("AN", 1): 2}
    return [rise[kind, base] for kind in kinds]


def _weak(kinds: list[str], edge: str) -> None:
    """Rules W1 to W7: marks get the class of their letter, signs that of their number, numbers follow letters."""
    strong, before = edge, edge
    for place, kind in enumerate(kinds):
        if kind == "NSM":
            kind = kinds[place] = before
        before = kind
        if kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kinds[place] = "AN"
    kinds[:] = ["R" if kind == "AL" else kind for kind in kinds]
    for place in range(1, len(kinds) - 1):
        left, kind, right = kinds[place - 1 : place + 2]
        if left == right and ((kind == "ES" and left == "EN") or (kind == "CS" and left in _NUMBERS)):
            kinds[place] = left
    for start, stop in _runs(kinds, ("ET",)):
        if "EN" in kinds[max(start - 1, 0) : start] + kinds[stop : stop + 1]:
            kinds[start:stop] = ["EN"] * (stop - start)
    strong = edge
    for place, kind in enumerate(kinds):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            kinds[place] = "L"
        elif kind in ("ES", "ET", "CS"):
            kinds[place] = "ON"


def _brackets(kinds: list[str], flat: Sequence[str], edge: str) -> None:
    """Rule N0: a pair of brackets has the direction of its content, or of the text before it."""
    opened: list[int] = []
    pairs = []
    for place, cluster in enumerate(flat):
        if kinds[place] != "ON":
            continue
        if cluster in _BRACKETS:
            opened.append(place)
        elif cluster in _CLOSING:
            match = next((opening for opening in reversed(opened) if flat[opening] == _CLOSING[cluster]), None)
            if match is not None:
                pairs.append((match, place))
                del opened[opened.index(match) :]
    for first, last in sorted(pairs):
        inside = {_direction(kind) for kind in kinds[first + 1 : last]} - {""}
        if not inside:
            continue
        if edge in inside:
            chosen = edge
        else:
            earlier = next((kind for kind in map(_direction, reversed(kinds[:first])) if kind), edge)
            chosen = earlier if earlier in inside else edge
        kinds[first] = kinds[last] = chosen


def _neutral(kinds: list[str], edge: str) -> None:
    """Rules N1 and N2: neutral clusters get the direction of both their sides, or else the base direction."""
    for start, stop in _runs(kinds, ("ON",)):
        left = _direction(kinds[start - 1]) if start else edge
        right = _direction(kinds[stop]) if stop < len(kinds) else edge
        kinds[start:stop] = [left if left == right else edge] * (stop - start)


def _direction(kind: str) -> str:
    return "R" if kind in ("R", *_NUMBERS) else "L" if kind == "L" else ""


def _runs(kinds: Sequence[str], wanted: tuple[str, ...]) -> list[tuple[int, int]]:
    runs, start = [], None
    for place, kind in enumerate([*kinds, ""]):
        if kind in wanted and start is None:
            start = place
        elif kind not in wanted and start is not None:
            runs.append((start, place))
            start = None
    return runs
