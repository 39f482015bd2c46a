"""Cutting words and lines out of an image for a recogniser, from the boxes of a dataset or of a detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from data.graphemes import nfc
from data.pseudo_label.crops import MAX_SIDE, crop_matrix, is_vertical, quad_size, word_faults
from data.pseudo_label.records import REASONS, WordKind
from data.recognition.lines import join_lines, line_quad, line_text
from data.sample import TextSample

Vertical = Literal["turn", "keep", "drop"]

_ANYWHERE = 2**31
"""A side so large that only words to the left of the image or above it count as outside."""


@dataclass(frozen=True)
class Cut:
    """A word or line to be cut out.

    Attributes:
        text: its transcription.
        quad: float32 [4, 2], in pixels of the image, in the reading order of the text.
        vertical: its characters stand below one another.
    """

    text: str
    quad: np.ndarray
    vertical: bool


def cuts_of(
    sample: TextSample,
    level: Literal["word", "line"],
    vertical: Vertical = "turn",
    min_height: int = 1,
    max_length: int | None = None,
) -> tuple[list[Cut], list[tuple[str, int]]]:
    """Return the words or lines of an image that can be cut out, and why the other words are left out.

    Args:
        sample: the image's words; its pixels are not needed.
        level: `word`, or `line` for words that follow one another.
        vertical: what to do with words written downwards.
        min_height: text of less height, in pixels, is left out.
        max_length: lines of more characters are divided between words; words of more characters are left out.

    Returns:
        The cuts, in the order of their first words, and pairs of a reason and the index of a word. Reasons that begin
        with "word:" are faults; the others follow from the settings.
    """
    out: list[tuple[str, int]] = []
    kinds = word_faults(sample.word_quads, _ANYWHERE, _ANYWHERE)
    usable = np.zeros(len(sample.words), bool)
    downwards = np.zeros(len(sample.words), bool)
    for word, (text, kind) in enumerate(zip(sample.words, kinds.tolist(), strict=True)):
        if sample.ignore[word]:
            out.append(("don't care", word))
        elif kind:
            out.append((f"word: {REASONS[WordKind(kind)]}", word))
        elif not text.strip():
            out.append(("word: its label is empty", word))
        else:
            usable[word] = True
            downwards[word] = vertical != "keep" and is_vertical(sample.word_quads[word], len(text.replace(" ", "")))
    if max_length is not None:
        long = usable & (np.array([len(nfc(text)) for text in sample.words], np.int64) > max_length)
        out += [("longer than `max_length`", word) for word in np.flatnonzero(long).tolist()]
        usable &= ~long
    if vertical == "drop":
        out += [("written downwards", word) for word in np.flatnonzero(downwards).tolist()]
        usable &= ~downwards
    groups = _groups(sample.word_quads, usable, downwards, kinds == 0, level)
    cuts: list[Cut] = []
    for words in _parted(groups, sample.words, max_length):
        text = line_text([sample.words[word] for word in words])
        cut = Cut(text, line_quad(sample.word_quads[words]), bool(downwards[words[0]]))
        if cut_size(cut.quad, vertical=cut.vertical)[0] < min_height:
            out += [("lower than `min_height`", word) for word in words]
        else:
            cuts.append(cut)
    return cuts, out


def _groups(
    quads: np.ndarray, usable: np.ndarray, downwards: np.ndarray, sound: np.ndarray, level: str
) -> list[list[int]]:
    """Return the words of each crop."""
    if level == "word":
        return [[word] for word in np.flatnonzero(usable).tolist()]
    # An unreadable word ends a line; words with a faulty quad and words written downwards are in no line.
    flat = np.flatnonzero(sound & ~downwards)
    lines = [flat[line].tolist() for line in join_lines(quads[flat], ~usable[flat])]
    return sorted([*lines, *([word] for word in np.flatnonzero(usable & downwards).tolist())])


def _parted(groups: list[list[int]], words: list[str], max_length: int | None) -> list[list[int]]:
    """Divide lines between words so that each has at most `max_length` characters, spaces included."""
    if max_length is None:
        return groups
    parts = []
    for group in groups:
        part, length = group[:1], len(nfc(words[group[0]]))
        for word in group[1:]:
            more = 1 + len(nfc(words[word]))
            if length + more > max_length:
                parts.append(part)
                part, length = [], -1
            part = [*part, word]
            length += more
        parts.append(part)
    return parts


def cut_size(quad: np.ndarray, *, vertical: bool = False, margin: float = 0.0) -> tuple[int, int]:
    """Return (height, width), in pixels, of the crop that `cut_out` makes.

    Args:
        quad: float [4, 2], in pixels of the image.
        vertical: as in `cut_out`.
        margin: as in `cut_out`.
    """
    height, width, border = _layout(quad, vertical, margin)
    height, width = height + 2 * border, width + 2 * border
    return (width, height) if vertical else (height, width)


def cut_out(image: np.ndarray, quad: np.ndarray, *, vertical: bool = False, margin: float = 0.0) -> np.ndarray:
    """Cut a word or line out of an image and rectify it by a homography, at the resolution of the image.

    Outside the image its edge pixels are repeated.

    Args:
        image: uint8 [H, W, 3].
        quad: float [4, 2], in the reading order of the text, without a fault by `word_faults`, in pixels of the image.
        vertical: the characters stand below one another; the crop is rotated to the left, so that they follow one
            another from left to right.
        margin: surroundings on each of the four sides, as a share of the text's height.

    Returns:
        uint8 [h, w, 3].
    """
    height, width, border = _layout(quad, vertical, margin)
    matrix = crop_matrix(quad, (height, width)) @ np.array([[1, 0, -border], [0, 1, -border], [0, 0, 1]], np.float64)
    size = (width + 2 * border, height + 2 * border)
    crop = cv2.warpPerspective(
        image, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    return np.ascontiguousarray(np.rot90(crop)) if vertical else crop


def _layout(quad: np.ndarray, vertical: bool, margin: float) -> tuple[int, int, int]:
    """Return height and width of the area inside the quad, before any rotation, and the margin, in pixels."""
    sides = quad_size(quad)
    width, height = (min(max(1, round(side)), MAX_SIDE // 2) for side in sides)
    return height, width, min(round((width if vertical else height) * margin), MAX_SIDE // 4)
