"""The confidence of the characters that were found in a word, and what replaces them if it is too low.

Source: Baek et al., CVPR 2019, section 3.2.2, equations 2 and 3.
"""

from __future__ import annotations

import numpy as np

from data.graphemes import count_clusters, nfc
from data.sample import transform_points

SPLIT_CONFIDENCE = 0.5
"""The confidence of words that were split equally; in the paper also the threshold at or below which they are."""


def count_characters(text: str) -> int:
    """Return the number of visible characters of a transcription: all but spaces."""
    return sum(count_clusters(part) for part in nfc(text).split())


def length_confidence(expected: int, found: int) -> float:
    """Return (L - min(L, |L - n|)) / L for a word of L >= 1 characters (`expected`) in which n were found."""
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
    """Return the boxes to train on, float32 [N, 4], their confidence, and whether they are the boxes that were found.

    Args:
        boxes: float [n, 4] of the characters found.
        expected: number of characters of the word, at least one.
        shape: height and width of the crop, pixels; boxes are clipped to it.
        vertical: the word is written downwards.
        keep_above: at this confidence or below it the word is split equally.
    """
    confidence = length_confidence(expected, len(boxes))
    if confidence <= keep_above:
        return equal_boxes(expected, shape, vertical), SPLIT_CONFIDENCE, False
    limit = np.array([shape[1], shape[0], shape[1], shape[0]], np.float32) - 0.5
    return np.clip(boxes, np.float32(-0.5), limit), confidence, True


def boxes_to_quads(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map boxes, float [N, 4], of a crop through its matrix; return float32 [N, 4, 2] in image pixels."""
    return transform_points(np.asarray(boxes)[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], matrix)
