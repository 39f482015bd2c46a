from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from data.preprocess import Preprocess
from utils.draw import maps as visualize


def square(left: int, top: int, side: int) -> np.ndarray:
    return np.float32([[0, 0], [side, 0], [side, side], [0, side]]) + np.float32((left, top))


def test_each_kind_of_box_has_its_colour() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    words = [square(10, 10, 40), square(10, 120, 40)]
    detections = [square(80, 10, 40), square(150, 10, 40), square(220, 10, 40)]
    picture = visualize.draw_detections(image, words, [False, True], detections, matched=[0], uncounted=[2])
    for polygon, colour in [
        (words[0], visualize.WORD),
        (words[1], visualize.IGNORED),
        (detections[0], visualize.RIGHT),
        (detections[1], visualize.WRONG),
        (detections[2], visualize.IGNORED),
    ]:
        x, y = polygon[:2].mean(axis=0).astype(int)  # the middle of the upper edge
        np.testing.assert_allclose(picture[y, x], colour, atol=25)  # anti-aliasing dims it a little
    assert not image.any()  # the sample's own image is not drawn on


def test_lines_grow_with_the_image() -> None:
    assert [visualize.line_width(np.zeros((10, side, 3))) for side in (100, 640, 1280, 4000)] == [1, 2, 4, 13]


def test_heat_is_dark_at_0_and_red_at_1_and_bears_nonsense() -> None:
    colours = visualize.heat(np.array([[0, 1, 5, -3, np.nan]], np.float32))[0].astype(int)
    assert colours[1][0] > colours[1][2]  # red over blue
    np.testing.assert_array_equal(colours[1], colours[2])
    np.testing.assert_array_equal(colours[[0, 0]], colours[[3, 4]])


def test_heat_lies_over_the_pixel_it_scores() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    fitted = Preprocess().fit(image, 400, 2.0)  # a map pixel is an image pixel
    score = np.zeros((112, 208), np.float32)
    score[30:34, 150:154] = 1
    hot = np.argwhere(visualize.overlay_heat(image, score, fitted.matrix).sum(axis=2) > 50)
    np.testing.assert_allclose(hot.mean(axis=0), [31.5, 151.5], atol=0.1)
    assert np.ptp(hot, axis=0).max() <= 5


def test_training_picture_places_the_maps() -> None:
    maps = [np.full((48, 64), value, np.float32) for value in (0.1, 0.3, 0.6, 0.9)]
    picture = visualize.training_picture(np.full((96, 128, 3), 77, np.uint8), *maps)
    assert picture.shape == (2 * 48 + 8, 3 * 64 + 16, 3)
    assert picture.dtype == np.uint8
    assert (picture[:48, :64] == 77).all()
    for index, (row, column) in enumerate([(0, 72), (0, 144), (56, 72), (56, 144)]):
        np.testing.assert_array_equal(picture[row : row + 48, column : column + 64], visualize.heat(maps[index]))


def test_saved_picture_is_rgb_again(tmp_path: Path) -> None:
    picture = np.zeros((4, 5, 3), np.uint8)
    picture[..., 0] = 200
    visualize.save_picture(tmp_path / "new" / "red.png", picture)
    assert cv2.imread(str(tmp_path / "new" / "red.png"))[0, 0].tolist() == [0, 0, 200]
