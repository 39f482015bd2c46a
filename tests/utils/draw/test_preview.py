from __future__ import annotations

import numpy as np

from data.sample import TextSample
from utils.draw.preview import CELL, GAP, WORD, grid, pack_rows, scene_cell


def sample(width: int, height: int) -> TextSample:
    quad = np.array([[[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]], np.float32) * (width, height)
    return TextSample("one", np.full((height, width, 3), 200, np.uint8), ["one"], quad, np.zeros(1, bool))


def test_a_scene_is_fitted_and_its_boxes_lie_where_they_were() -> None:
    for width, height in ((768, 576), (400, 900), (100, 50)):
        plain, boxed = (scene_cell(sample(width, height), with_boxes=boxes) for boxes in (False, True))
        assert plain.shape == boxed.shape == (CELL, CELL, 3)
        filled = np.argwhere((plain == 200).all(axis=2))
        low, high = filled.min(axis=0), filled.max(axis=0) + 1
        assert abs((high - low)[1] / (high - low)[0] - width / height) < 0.02 * width / height
        assert ((high - low) == CELL).any()
        drawn = np.argwhere((np.abs(boxed.astype(int) - WORD) < 40).all(axis=2))
        expected = low + (high - low) * 0.25, low + (high - low) * 0.75
        assert np.abs(drawn.min(axis=0) - expected[0]).max() <= 2
        assert np.abs(drawn.max(axis=0) - expected[1]).max() <= 2


def test_grid_and_rows_keep_every_picture_once() -> None:
    cells = [np.full((10, 20, 3), 40 + index, np.uint8) for index in range(7)]
    sheet = grid(cells, 3)
    assert sheet.shape == (3 * (10 + GAP) + GAP, 3 * (20 + GAP) + GAP, 3)
    assert [int((sheet == 40 + index).all(axis=2).sum()) for index in range(7)] == [200] * 7

    words = [np.full((8, 10 * (index + 1), 3), 40 + index, np.uint8) for index in range(9)]
    packed = pack_rows(words, 100)
    assert packed.shape[1] == 100
    areas = [int((packed == 40 + index).all(axis=2).sum()) for index in range(9)]
    assert areas == [8 * min(10 * (index + 1), 100 - 2 * GAP) for index in range(9)]
