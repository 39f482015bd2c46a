"""Joining the words of an image to lines, and the quads around these.

Datasets have words, but mostly no lines. A word follows another if it begins close behind the end of the other, at the
same height and with about the same size and direction; if several words do, the nearest one follows.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np

from data.readers.outlines import reading_rectangle

_GAP = (-0.35, 0.9)
"""Least and greatest gap between two words of a line, in units of their height; boxes may overlap a little."""
_SHIFT = 0.35
"""Greatest distance of a word's middle from the line of the word before, in units of their height."""
_SIZES = 1.6
"""Greatest ratio of the heights of two words that follow one another; `on` is lower than `Kings`."""
_TURN = np.cos(np.radians(20.0))
"""Greatest angle between two words that follow one another."""


def join_lines(quads: np.ndarray, breaks: Sequence[bool] | np.ndarray) -> list[list[int]]:
    """Return the lines of an image as lists of word indices in reading order, sorted by their first words.

    Args:
        quads: float [W, 4, 2], corners in the reading order of each word's text.
        breaks: bool [W], words without a known text: they belong to no line and end the line in which they stand.
    """
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    follower = _followers(quads)
    heads = set(range(len(quads))) - set(follower.values())
    lines: list[list[int]] = []
    visited: set[int] = set()
    for first in [*sorted(heads), *range(len(quads))]:  # words that follow one another in a circle have no first word
        word: int | None = first
        line: list[int] = []
        while word is not None and word not in visited:
            visited.add(word)
            if breaks[word]:
                lines += [line] if line else []
                line = []
            else:
                line.append(word)
            word = follower.get(word)
        lines += [line] if line else []
    return sorted(lines)


def line_quad(quads: np.ndarray) -> np.ndarray:
    """Return the quad around the words of a line, float32 [4, 2], in reading order; for one word the word's quad.

    Args:
        quads: float [W, 4, 2], the words in reading order.
    """
    if len(quads) == 1:
        return np.asarray(quads[0], np.float32)
    top, bottom = quads[:, :2].reshape(-1, 2), quads[::-1, 2:].reshape(-1, 2)
    return reading_rectangle(np.concatenate([top, bottom]))


def line_text(words: Sequence[str]) -> str:
    """Return the text of a line from its words in their order from left to right.

    Text of a right-to-left script is stored in reading order, so it begins with the last of these words.
    """
    letters = [unicodedata.bidirectional(character) for word in words for character in word]
    leftwards = sum(letter in ("R", "AL") for letter in letters) > sum(letter == "L" for letter in letters)
    return " ".join(reversed(words) if leftwards else words)


def _followers(quads: np.ndarray) -> dict[int, int]:
    """Return word -> the word that follows it; a word follows at most one other."""
    if len(quads) < 2:
        return {}
    starts, ends = (quads[:, 0] + quads[:, 3]) / 2, (quads[:, 1] + quads[:, 2]) / 2
    heights = np.linalg.norm(quads[:, [3, 2]] - quads[:, [0, 1]], axis=2).mean(axis=1)
    along = ends - starts
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    unit = np.maximum(heights[:, None], heights[None])
    between = starts[None] - ends[:, None]  # [i, j]: from the end of word i to the start of word j
    gap = np.einsum("ijk,ik->ij", between, along) / unit
    middle = (starts + ends) / 2
    shift = np.abs(np.einsum("ijk,ik->ij", middle[None] - middle[:, None], across)) / unit
    fits = (gap > _GAP[0]) & (gap < _GAP[1]) & (shift < _SHIFT)
    fits &= (unit <= _SIZES * np.minimum(heights[:, None], heights[None])) & (along @ along.T >= _TURN)
    np.fill_diagonal(fits, False)
    follower: dict[int, int] = {}
    taken: set[int] = set()
    pairs = np.argwhere(fits)
    for word, other in pairs[np.argsort(np.abs(gap[fits]), kind="stable")].tolist():
        if word not in follower and other not in taken:
            follower[word] = other
            taken.add(other)
    return follower
