"""Plates: an area of one colour under a block, as on a sign."""

from __future__ import annotations

import cv2
import numpy as np

from data.synth.ground.colours import LUMA, random_colour, with_luma
from data.synth.placing.bend import Bend, band
from data.synth.placing.placement import map_points
from data.synth.setting.layout import Block

_FRACTION_BITS = 4
"""Fractional bits of the fixed-point coordinates for OpenCV."""


def draw_plate(
    image: np.ndarray,
    block: Block,
    matrix: np.ndarray,
    margin: float,
    rng: np.random.Generator,
    bend: Bend | None = None,
) -> None:
    """Draw a plate under a block, in place; the plate of a bent block is bent.

    Args:
        image: uint8 [H, W, 3] RGB.
        block: the block on the plate.
        matrix: homography [3, 3] from pixels of the (bent) block to pixels of the scene.
        margin: how far the plate may reach beyond the words, in pixels of the block.
        rng: source of randomness.
        bend: of the block.
    """
    pad = (0.2 + 0.8 * rng.random()) * margin
    low, high = block.word_boxes[:, :2].min(axis=0) - pad, block.word_boxes[:, 2:].max(axis=0) + pad
    if bend is None:
        outline = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    else:
        outline = band(low, high, bend)
    corners = map_points(outline, matrix)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 3
    target = image[top:bottom, left:right]
    plate = target.copy()
    points = np.rint((corners - (left, top)) * 2**_FRACTION_BITS).astype(np.int32)
    colour = random_colour(rng)
    if bend is None:
        cv2.fillConvexPoly(plate, points, colour.tolist(), cv2.LINE_AA, _FRACTION_BITS)
    else:
        cv2.fillPoly(plate, [points], colour.tolist(), cv2.LINE_AA, _FRACTION_BITS)
    if rng.random() < 0.4:
        edge = with_luma(colour, 255 - float(colour @ LUMA)).tolist()
        cv2.polylines(plate, [points], True, edge, int(rng.integers(1, 3)), cv2.LINE_AA, _FRACTION_BITS)
    opacity = 0.6 + 0.4 * rng.random()
    target[:] = cv2.addWeighted(plate, opacity, target, 1 - opacity, 0)
