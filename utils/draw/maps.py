"""Pictures for people: score maps, detections against the ground truth, and what the trainer sees.

All images are uint8 [H, W, 3] in RGB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from data.heatmap.grid import MAP_TO_INPUT
from utils.files import write_atomically

Colour = tuple[int, int, int]

WORD: Colour = (52, 199, 89)
IGNORED: Colour = (160, 160, 160)
RIGHT: Colour = (30, 136, 255)
WRONG: Colour = (240, 60, 50)
OUTLINE: Colour = (15, 15, 20)


def heat(score: np.ndarray) -> np.ndarray:
    """Colour a score map, float [H, W] in 0..1, from dark blue to red; values beyond are clipped, NaN is 0."""
    levels = (np.nan_to_num(np.clip(score, 0, 1)) * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)


def overlay_heat(image: np.ndarray, score: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Lay a score map over a darkened grey version of its image.

    Args:
        image: uint8 [H, W, 3].
        score: float [h, w], in score-map pixels.
        matrix: float [3, 3], from image pixels to network-input pixels.
    """
    height, width = image.shape[:2]
    to_image = np.linalg.inv(matrix) @ MAP_TO_INPUT
    score = cv2.warpAffine(np.asarray(score, np.float32), to_image[:2], (width, height), flags=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) * np.float32(0.45)
    weight = np.clip(np.nan_to_num(score) * 1.6, 0, 0.9)[..., None]
    return (grey * (1 - weight) + heat(score) * weight).astype(np.uint8)


def line_width(image: np.ndarray) -> int:
    """Return the width of lines that stay legible when the image is shown about 500 pixels wide."""
    return math.ceil(max(image.shape[:2]) / 320)


def draw_polygons(image: np.ndarray, polygons: Sequence[np.ndarray], colour: Colour, width: int) -> None:
    """Draw closed outlines in place; wide ones get a thin dark edge so that they show on any ground."""
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
    """Return a copy of the image with words green, "don't care" grey, right detections blue and wrong ones red.

    Args:
        image: uint8 [H, W, 3].
        words, ignore: polygons of the ground truth, and which are "don't care".
        detections: polygons found.
        matched: indices of the detections that match a word.
        uncounted: indices of those that fall into "don't care" regions; grey.
    """
    picture = np.ascontiguousarray(image).copy()
    width = line_width(image)
    right, neutral = set(matched), set(uncounted)
    groups: dict[Colour, list[np.ndarray]] = {IGNORED: [], WORD: [], WRONG: [], RIGHT: []}
    for word, is_ignored in zip(words, ignore, strict=True):
        groups[IGNORED if is_ignored else WORD].append(word)
    for index, detection in enumerate(detections):
        groups[RIGHT if index in right else IGNORED if index in neutral else WRONG].append(detection)
    for colour, polygons in groups.items():
        if polygons:
            draw_polygons(picture, polygons, colour, width)
    return picture


def beside(pictures: Sequence[np.ndarray], gap: int = 8) -> np.ndarray:
    """Join pictures of the same height in a row, parted by a dark gap."""
    bar = np.full((pictures[0].shape[0], gap, 3), OUTLINE, np.uint8)
    parts = [part for picture in pictures for part in (picture, bar)]
    return np.concatenate(parts[:-1], axis=1)


def training_picture(
    image: np.ndarray,
    target_region: np.ndarray,
    target_affinity: np.ndarray,
    predicted_region: np.ndarray,
    predicted_affinity: np.ndarray,
) -> np.ndarray:
    """Show a training sample: the image, its two target maps, and below each target what the network says.

    Args:
        image: uint8 [H, W, 3].
        target_region, target_affinity, predicted_region, predicted_affinity: float [h, w], nominally 0..1.

    Returns:
        uint8 [2h + gap, 3w + gaps, 3]; the image is shown at the maps' size, and below it the predicted region map
        laid over it.
    """
    height, width = target_region.shape
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    over = overlay_heat(small, predicted_region, MAP_TO_INPUT)  # here a pixel of the image is a pixel of the map
    above = beside([small, heat(target_region), heat(target_affinity)])
    below = beside([over, heat(predicted_region), heat(predicted_affinity)])
    return np.concatenate([above, np.full((8, above.shape[1], 3), OUTLINE, np.uint8), below])


def save_picture(path: Path, picture: np.ndarray) -> None:
    """Write a picture; the ending of the path (.png, .jpg) chooses the format. Atomic."""
    good, data = cv2.imencode(path.suffix or ".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not good:
        raise ValueError(f"{path}: cannot be written as a picture")
    write_atomically(path, lambda temporary: temporary.write_bytes(data.tobytes()))
