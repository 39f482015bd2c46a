"""How far resampling carries ink, and boxes that hold it, for each character where it stands.

A pixel of the scene is a square of ink, and a smoothing Gaussian of a third of a pixel comes before it. So ink is seen
about 0.9 pixels of the scene beyond the edge of its glyph: more pixels of the drawing at the far end of a tilted line
than at its near end, and on the inner side of an arc than on the outer.

With these boxes at least 98 % of a character's ink lies in its quad, but for one in a thousand where text is 8 to 12
pixels high. Quads are at most 35 % larger than the ink but for about one in twenty of all characters and one in ten of
those that small: letters of which three pixels are to be seen.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.synth.placing.bend import Bend
from data.synth.placing.placement import map_points
from data.synth.setting.layout import Block

INK_SPREAD = 0.9
"""How far ink spreads where drawings are smoothed before they are shrunk, pixels of the scene."""


def with_spread_ink(block: Block, matrix: np.ndarray, bend: Bend | None, pad: float) -> Block:
    """Return the block with boxes that hold the ink of each character at the scale it has in the scene.

    Args:
        block: its boxes reach `pad` beyond the ink.
        matrix: homography [3, 3] from pixels of the (bent) block to pixels of the scene.
        bend: of the block.
        pad: pixels of the block.
    """
    boxes = block.char_boxes
    extra = np.maximum(INK_SPREAD * pixel_of(boxes, matrix, bend) - pad, 0)
    wider = np.concatenate([boxes[:, :2] - extra, boxes[:, 2:] + extra], axis=1)
    words = [wider[block.char_words == word] for word in range(len(block.words))]
    hulls = [np.concatenate([rows[:, :2].min(axis=0), rows[:, 2:].max(axis=0)]) for rows in words]
    return replace(block, char_boxes=wider, word_boxes=np.array(hulls))


def pixel_of(boxes: np.ndarray, matrix: np.ndarray, bend: Bend | None) -> np.ndarray:
    """Return how many pixels of the block, across and down [N, 2], a pixel of the scene is amid boxes [N, 4]."""
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    points = middles + np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])
    mapped = map_points(points if bend is None else bend.apply(points), matrix)
    steps = np.stack([mapped[:, 1] - mapped[:, 0], mapped[:, 3] - mapped[:, 2]], axis=-1)
    return np.linalg.norm(np.linalg.inv(steps), axis=2)
