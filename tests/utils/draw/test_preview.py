from __future__ import annotations

import numpy as np

from data.sample import TextSample
from utils.draw.palette import WORD
from utils.draw.preview import SIDE, scene_cell


def sample(width: int, height: int) -> TextSample:
    quad = np.array([[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]], np.float32) * (width, height)
    return TextSample("one", np.full((height, width, 3), 200, np.uint8), ["one"], quad, np.zeros(1, bool))


def test_a_scene_is_fitted_and_its_boxes_lie_where_they_were() -> None:
    for width, height in ((768, 576), (400, 900), (100, 50)):
        plain, boxed = (scene_cell(sample(width, height), with_boxes=boxes) for boxes in (False, True))
        assert plain.shape == boxed.shape == (SIDE, SIDE, 3)
        filled = np.argwhere((plain == 200).all(axis=2))
        low, high = filled.min(axis=0), filled.max(axis=0) + 1
        assert abs((high - low)[1] / (high - low)[0] - width / height) < 0.02 * width / height
        assert ((high - low) == SIDE).any()
        drawn = np.argwhere((np.abs(boxed.astype(int) - WORD) < 40).all(axis=2))
        expected = low + (high - low) * 0.25, low + (high - low) * 0.75
        assert np.abs(drawn.min(axis=0) - expected[0]).max() <= 2
        assert np.abs(drawn.max(axis=0) - expected[1]).max() <= 2
