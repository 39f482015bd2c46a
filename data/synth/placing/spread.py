"""How far resampling spreads ink, and boxes that contain the spread ink of each character at its place.

A drawing is smoothed by a Gaussian of a third of a pixel of the scene, and each pixel of the scene covers a square. So
ink is visible up to about 0.9 pixels of the scene beyond the edge of its glyph. In pixels of the drawing that is more
at the far end of a tilted line than at its near end, and more on the inner side of an arc than on the outer.

With these boxes at least 98 % of a character's ink lies in its quad, except for one character in a thousand in text 8
to 12 pixels high. Quads are at most 35 % larger than the ink, except for about 5 % of all characters and 10 % of those
in such small text: letters of about three visible pixels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.synth.placing.bend import Bend
from data.synth.placing.placement import map_points
from data.synth.setting.layout import Block

INK_SPREAD = 0.9
"""How far ink spreads if drawings are smoothed before they are shrunk, pixels of the scene."""


def with_spread_ink(block: Block, matrix: np.ndarray, bend: Bend | None, pad: float) -> Block:
    """Return the block with boxes that contain the spread ink of each character at its scale in the scene.

    Args:
        block: a block whose boxes reach `pad` beyond the ink.
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
    """Return the size of a pixel of the scene at the middle of boxes [N, 4], in pixels of the block, across and down.

    Returns:
        float64 [N, 2].
    """
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    points = middles + np.array([[-0.5, 0], [0.5, 0], [0, -0.5], [0, 0.5]])
    mapped = map_points(points if bend is None else bend.apply(points), matrix)
    steps = np.stack([mapped[:, 1] - mapped[:, 0], mapped[:, 3] - mapped[:, 2]], axis=-1)
    return np.linalg.norm(np.linalg.inv(steps), axis=2)
