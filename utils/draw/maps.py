"""Score maps as colours: alone, over their image, and beside the targets of training."""

from __future__ import annotations

import cv2
import numpy as np

from data.heatmap.grid import MAP_TO_INPUT
from utils.draw.sheet import beside


def heat(score: np.ndarray) -> np.ndarray:
    """Colour a score map from dark blue to red.

    Args:
        score: float [H, W] in 0..1; values beyond are clipped, NaN is 0.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    levels = (np.nan_to_num(np.clip(score, 0, 1)) * 255).astype(np.uint8)
    return cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)


def overlay_heat(image: np.ndarray, score: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Lay a score map over a darkened grey version of its image.

    Args:
        image: uint8 [H, W, 3], RGB.
        score: float [h, w] in 0..1, in score-map pixels.
        matrix: float [3, 3], from image pixels to network-input pixels.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    height, width = image.shape[:2]
    to_image = np.linalg.inv(matrix) @ MAP_TO_INPUT
    score = cv2.warpAffine(np.asarray(score, np.float32), to_image[:2], (width, height), flags=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB) * np.float32(0.45)
    weight = np.clip(np.nan_to_num(score) * 1.6, 0, 0.9)[..., None]
    return (grey * (1 - weight) + heat(score) * weight).astype(np.uint8)


def training_picture(
    image: np.ndarray,
    target_region: np.ndarray,
    target_affinity: np.ndarray,
    predicted_region: np.ndarray,
    predicted_affinity: np.ndarray,
) -> np.ndarray:
    """Show a training sample: the image, its two target maps, and below each target the network's output.

    Args:
        image: uint8 [H, W, 3], RGB.
        target_region: float [h, w], nominally 0..1; so are the other maps.
        target_affinity: float [h, w].
        predicted_region: float [h, w].
        predicted_affinity: float [h, w].

    Returns:
        uint8 [2h + gap, 3w + 2 gaps, 3]; the image is shown at the maps' size, and below it the predicted region map
        laid over it.
    """
    height, width = target_region.shape
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    over = overlay_heat(small, predicted_region, MAP_TO_INPUT)  # here a pixel of the image is a pixel of the map
    above = beside([small, heat(target_region), heat(target_affinity)])
    below = beside([over, heat(predicted_region), heat(predicted_affinity)])
    return beside([above, below], axis=0)
