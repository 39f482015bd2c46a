"""Drawn predictions: every word has its outline and its text at its place."""

from __future__ import annotations

import numpy as np
import pytest

from utils.draw.palette import DOUBTFUL, FOUND, SURE, UNSURE
from utils.predict.drawing import colour_of, draw_prediction
from utils.predict.predictor import Word


def word(left: float, top: float, text: str | None = "word", confidence: float | None = 0.9, width: float = 80) -> Word:
    points = [[left, top], [left + width, top], [left + width, top + 24], [left, top + 24]]
    return Word(np.array(points, np.float32), text, confidence, 0.8)


def test_colours_tell_how_sure() -> None:
    sure = [colour_of(word(0, 0, "a", confidence)) for confidence in (0.9, 0.5, 0.1, None)]
    assert sure == [SURE, UNSURE, DOUBTFUL, FOUND]


@pytest.mark.parametrize(("left", "top"), [(300, 300), (0, 0), (1195, 0), (1195, 690), (0, 690)])
def test_text_is_beside_its_box(left: int, top: int) -> None:
    image = np.full((720, 1280, 3), 200, np.uint8)
    drawn = draw_prediction(image, [word(left, top)])
    assert drawn.shape == image.shape and (image == 200).all()
    assert (drawn[top + 12, left + 40] == 200).all()  # the word itself stays visible
    changed = np.argwhere((drawn != 200).any(axis=2))
    assert changed.min(axis=0)[0] >= top - 60 and changed.max(axis=0)[0] <= top + 24 + 60
    white = (drawn[max(0, top - 60) : top + 84] > 245).all(axis=2)
    assert white.sum() > 20  # the text


def test_texts_do_not_cover_one_another() -> None:
    """Close lines, each with as many white pixels of text as it has alone."""
    image = np.full((720, 1280, 3), 120, np.uint8)
    words = [word(400 + 90 * column, 300 + 30 * row, "Word") for row in range(2) for column in range(3)]
    alone = (draw_prediction(image, words[:1]) > 250).all(axis=2).sum()
    together = (draw_prediction(image, words) > 250).all(axis=2).sum()
    assert together >= 0.95 * 6 * alone


def test_small_images_are_enlarged() -> None:
    assert draw_prediction(np.zeros((90, 160, 3), np.uint8), [word(10, 40)]).shape == (360, 640, 3)
    assert draw_prediction(np.zeros((480, 640, 3), np.uint8), []).shape == (960, 1280, 3)


def test_a_picture_of_a_word_gets_a_caption() -> None:
    sheet = draw_prediction(np.full((24, 60, 3), 90, np.uint8), [Word(None, "Grüße", 0.97, None)])
    assert sheet.shape[0] > 96 + 26 and (sheet[12:108, 12:252] == 90).all()
    assert (sheet[110:] > 245).all(axis=2).sum() > 50
    assert draw_prediction(np.full((24, 6, 3), 90, np.uint8), [Word(None, "", 0.0, None)]).shape[1] > 24
