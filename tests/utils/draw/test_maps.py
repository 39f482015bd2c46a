from __future__ import annotations

import numpy as np

from data.preprocess import Preprocess
from utils.draw.maps import heat, overlay_heat, training_picture


def test_heat_is_dark_at_0_and_red_at_1_and_bears_nonsense() -> None:
    colours = heat(np.array([[0, 1, 5, -3, np.nan]], np.float32))[0].astype(int)
    assert colours[1][0] > colours[1][2]  # red over blue
    np.testing.assert_array_equal(colours[1], colours[2])
    np.testing.assert_array_equal(colours[[0, 0]], colours[[3, 4]])


def test_heat_lies_over_the_pixel_it_scores() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    fitted = Preprocess().fit(image, 400, 2.0)  # a map pixel is an image pixel
    score = np.zeros((112, 208), np.float32)
    score[30:34, 150:154] = 1
    hot = np.argwhere(overlay_heat(image, score, fitted.matrix).sum(axis=2) > 50)
    np.testing.assert_allclose(hot.mean(axis=0), [31.5, 151.5], atol=0.1)
    assert np.ptp(hot, axis=0).max() <= 5


def test_training_picture_places_the_maps() -> None:
    maps = [np.full((48, 64), value, np.float32) for value in (0.1, 0.3, 0.6, 0.9)]
    picture = training_picture(np.full((96, 128, 3), 77, np.uint8), *maps)
    assert picture.shape == (2 * 48 + 8, 3 * 64 + 16, 3)
    assert picture.dtype == np.uint8
    assert (picture[:48, :64] == 77).all()
    for index, (row, column) in enumerate([(0, 72), (0, 144), (56, 72), (56, 144)]):
        np.testing.assert_array_equal(picture[row : row + 48, column : column + 64], heat(maps[index]))
