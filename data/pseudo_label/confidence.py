"""How far the characters that were found in a word are to be believed, and what takes their place if not.

Source: Baek et al., CVPR 2019, section 3.2.2, equations 2 and 3.
"""

from __future__ import annotations

import numpy as np

from data.graphemes import count_clusters, nfc
from data.sample import transform_points

SPLIT_CONFIDENCE = 0.5
"""The confidence of words that were split equally; also where the paper draws the line between them and others."""


def count_characters(text: str) -> int:
    """Return the number of characters of a transcription that can be seen: spaces are not counted."""
    return sum(count_clusters(part) for part in nfc(text).split())


def length_confidence(expected: int, found: int) -> float:
    """Return (L - min(L, |L - n|)) / L for a word of L characters, at least one, in which n were found."""
    return (expected - min(expected, abs(expected - found))) / expected


def equal_boxes(count: int, shape: tuple[int, int], vertical: bool) -> np.ndarray:
    """Split a crop into boxes of one size along the reading direction.

    Args:
        count: how many.
        shape: height and width of the crop.
        vertical: the word is written downwards.

    Returns:
        float32 [count, 4], left, top, right, bottom in pixels of the crop, from edge to edge.
    """
    height, width = shape
    cuts = np.linspace(0, height if vertical else width, count + 1) - 0.5
    boxes = np.empty((count, 4), np.float32)
    along, across = (1, 0) if vertical else (0, 1)
    boxes[:, along], boxes[:, along + 2] = cuts[:-1], cuts[1:]
    boxes[:, across], boxes[:, across + 2] = -0.5, (width if vertical else height) - 0.5
    return boxes


def judge(
    boxes: np.ndarray, expected: int, shape: tuple[int, int], vertical: bool, keep_above: float = SPLIT_CONFIDENCE
) -> tuple[np.ndarray, float, bool]:
    """Return the boxes to train on, their confidence, and whether they are those that were found.

    Args:
        boxes: float [n, 4] of the characters found.
        expected: number of characters of the word, at least one.
        shape: height and width of the crop, which the boxes are cut off at.
        vertical: the word is written downwards.
        keep_above: at this confidence or less the word is split.
    """
    confidence = length_confidence(expected, len(boxes))
    if confidence <= keep_above:
        return equal_boxes(expected, shape, vertical), SPLIT_CONFIDENCE, False
    limit = np.array([shape[1], shape[0], shape[1], shape[0]], np.float32) - 0.5
    return np.clip(boxes, np.float32(-0.5), limit), confidence, True


def boxes_to_quads(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Carry boxes [N, 4] of a crop through its matrix; float32 [N, 4, 2] in image pixels."""
    return transform_points(np.asarray(boxes)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], matrix)
