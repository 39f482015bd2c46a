"""Readings of any script can be read in the pictures that are drawn of them."""

from __future__ import annotations

import numpy as np
import pytest

from utils.draw import fonts as module
from utils.draw.fonts import code_point, legible
from utils.draw.readings import draw_readings
from utils.predict.drawing import draw_prediction
from utils.predict.predictor import Word


@pytest.mark.parametrize("text", ["plain", "éЖΩ", "Größe €5", "שלום", "नमस्ते"])
def test_what_a_font_of_the_requirements_has_is_drawn_as_it_is(text: str) -> None:
    shown, font = legible(text, 20)
    assert shown == text
    shapes = {bytes(font.getmask(letter)) for letter in set(text) - set(" ्")}
    assert len(shapes) == len(set(text) - set(" ्")), "some are the box of a character that the font lacks"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("東京 1", r"\u6771\u4EAC 1"), ("نور", r"\u0646\u0648\u0631"), ("é日", r"é\u65E5"), ("𝔸", r"\U0001D538")],
)
def test_what_none_has_is_written_as_its_code_point(text: str, shown: str, monkeypatch) -> None:
    fonts = list(module._fonts())[:40]
    monkeypatch.setattr(module, "_fonts", lambda: iter(path for path in fonts if "noto" not in str(path).lower()))
    module._path_for.cache_clear()
    assert legible(text, 20)[0] == shown


def test_without_any_font_only_ascii_is_drawn(monkeypatch) -> None:
    monkeypatch.setattr(module, "_fonts", lambda: iter(()))
    module._path_for.cache_clear()
    assert legible("aé", 20)[0] == r"a\u00E9"
    module._path_for.cache_clear()


def test_code_points_are_those_of_python() -> None:
    for character in "é日\U0001d538":
        assert code_point(character).encode().decode("unicode_escape") == character


def test_pictures_of_different_readings_differ() -> None:
    """Boxes in the place of letters would look alike."""
    image, grey = np.full((24, 60, 3), 90, np.uint8), np.full((32, 80, 1), 90, np.uint8)
    first, second = (draw_prediction(image, [Word(None, text, 0.9, None)]) for text in ("東", "京"))
    assert first.shape != second.shape or (first != second).any()
    assert (draw_readings([grey], [None], ["東"]) != draw_readings([grey], [None], ["京"])).any()
