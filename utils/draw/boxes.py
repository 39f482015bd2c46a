"""Boxes drawn into images: labels, detections, and whether the two match."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from utils.draw.palette import FOUND, IGNORED, OUTLINE, WORD, WRONG, Colour


def line_width(image: np.ndarray) -> int:
    """Return the width of lines, pixels, that stay legible when an image [H, W, ...] is shown about 500 wide."""
    return math.ceil(max(image.shape[:2]) / 320)


def draw_polygons(image: np.ndarray, polygons: Sequence[np.ndarray], colour: Colour, width: int) -> None:
    """Draw closed outlines in place; wide ones get a thin dark edge so that they show on any ground.

    Args:
        image: uint8 [H, W, 3], RGB; it is drawn into.
        polygons: float [P, 2] each, pixels.
        colour: of the lines.
        width: of the lines, pixels.
    """
    shift = 4  # sixteenths of a pixel
    points = [np.rint(np.asarray(polygon) * (1 << shift)).astype(np.int32) for polygon in polygons]
    if width >= 3:
        cv2.polylines(image, points, True, OUTLINE, width + 2, cv2.LINE_AA, shift)
    cv2.polylines(image, points, True, colour, width, cv2.LINE_AA, shift)


def draw_detections(
    image: np.ndarray,
    words: Sequence[np.ndarray],
    ignore: Sequence[bool] | np.ndarray,
    detections: Sequence[np.ndarray],
    matched: Sequence[int],
    uncounted: Sequence[int] = (),
) -> np.ndarray:
    """Return a copy of the image with words green, "don't care" grey, matched detections blue and wrong ones red.

    Args:
        image: uint8 [H, W, 3], RGB.
        words: polygons of the ground truth, float [P, 2] each, pixels.
        ignore: bool [W], which of the words are "don't care".
        detections: polygons found, float [P, 2] each, pixels.
        matched: indices of the detections that match a word.
        uncounted: indices of those that fall into "don't care" regions; grey.

    Returns:
        uint8 [H, W, 3].
    """
    picture = np.ascontiguousarray(image).copy()
    width = line_width(image)
    right, neutral = set(matched), set(uncounted)
    groups: dict[Colour, list[np.ndarray]] = {IGNORED: [], WORD: [], WRONG: [], FOUND: []}
    for word, is_ignored in zip(words, ignore, strict=True):
        groups[IGNORED if is_ignored else WORD].append(word)
    for index, detection in enumerate(detections):
        groups[FOUND if index in right else IGNORED if index in neutral else WRONG].append(detection)
    for colour, polygons in groups.items():
        if polygons:
            draw_polygons(picture, polygons, colour, width)
    return picture
