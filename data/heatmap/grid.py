"""The one place that says where a score-map pixel lies in the image.

CRAFT's maps have half the resolution of its input: map pixel j covers input pixels 2j and 2j + 1, so its
centre lies at 2j + 0.5 in a frame whose pixel centres are whole numbers.
"""

from __future__ import annotations

import numpy as np

MAP_STRIDE = 2

_SHIFT = (MAP_STRIDE - 1) / 2

MAP_TO_INPUT = np.array([[MAP_STRIDE, 0, _SHIFT], [0, MAP_STRIDE, _SHIFT], [0, 0, 1]], np.float64)
"""Homography [3, 3] from score-map pixels to network-input pixels."""

INPUT_TO_MAP = np.linalg.inv(MAP_TO_INPUT)
"""Homography [3, 3] from network-input pixels to score-map pixels."""
