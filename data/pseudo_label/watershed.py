"""Characters in the region score of a word's crop.

Markers are the connected components of the score above `sure_fg_th`; the watershed of the negated score lets them grow
down to `sure_bg_th` (Baek et al., CVPR 2019, section 3.2.2; Vincent and Soille, 1991).
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from data.heatmap.grid import MAP_STRIDE


def find_characters(region: np.ndarray, *, sure_fg_th: float, sure_bg_th: float, vertical: bool = False) -> np.ndarray:
    """Return the boxes of the characters of a word, in reading order.

    Args:
        region: float [h, w], region score of the word's crop.
        sure_fg_th: scores above this start a character.
        sure_bg_th: scores below this belong to no character.
        vertical: the word is written downwards.

    Returns:
        float32 [N, 4], left, top, right, bottom: edges in pixels of the crop, where the first pixel reaches from -0.5
        to 0.5.
    """
    region = np.nan_to_num(np.asarray(region, np.float32))
    count, markers = cv2.connectedComponents((region > sure_fg_th).astype(np.uint8), connectivity=4)
    if count <= 1:
        return np.zeros((0, 4), np.float32)
    basins = watershed(-region, markers, mask=region >= sure_bg_th)
    slices = ndimage.find_objects(basins)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in slices], np.float64)
    centres = boxes[:, [1, 3]].sum(axis=1) if vertical else boxes[:, [0, 2]].sum(axis=1)
    boxes = boxes[np.argsort(centres, kind="stable")]
    # Map pixel j covers the crop's pixels 2j and 2j + 1.
    return (boxes * MAP_STRIDE - 0.5).astype(np.float32)
