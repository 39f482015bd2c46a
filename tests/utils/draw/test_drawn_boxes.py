from __future__ import annotations

import numpy as np

from utils.draw.boxes import draw_detections, line_width
from utils.draw.palette import FOUND, IGNORED, WORD, WRONG


def square(left: int, top: int, side: int) -> np.ndarray:
    return np.float32([[0, 0], [side, 0], [side, side], [0, side]]) + np.float32((left, top))


def test_each_kind_of_box_has_its_colour() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    words = [square(10, 10, 40), square(10, 120, 40)]
    detections = [square(80, 10, 40), square(150, 10, 40), square(220, 10, 40)]
    picture = draw_detections(image, words, [False, True], detections, matched=[0], uncounted=[2])
    for polygon, colour in [
        (words[0], WORD),
        (words[1], IGNORED),
        (detections[0], FOUND),
        (detections[1], WRONG),
        (detections[2], IGNORED),
    ]:
        x, y = polygon[:2].mean(axis=0).astype(int)  # the middle of the upper edge
        np.testing.assert_allclose(picture[y, x], colour, atol=25)  # anti-aliasing dims it a little
    assert not image.any()  # the sample's own image is not drawn on


def test_lines_grow_with_the_image() -> None:
    assert [line_width(np.zeros((10, side, 3))) for side in (100, 640, 1280, 4000)] == [1, 2, 4, 13]
