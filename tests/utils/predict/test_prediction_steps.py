"""The parts of a prediction: files, weights, turned words and the order of words."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from config.schema.model import DetectorModel
from data.pseudo_label.crops import word_faults
from data.reader import UnreadableSample
from model.head import Reading
from model.registry import build_detector
from utils.decode.reading_order import reading_order
from utils.predict.images import ImageFiles, find_images
from utils.predict.models import open_detector
from utils.predict.predictor import Predictor
from utils.predict.steps import BoxReading

CPU = torch.device("cpu")


class Said:
    """Says what each crop of a box is to say."""

    def __init__(self, *said: tuple[str, float]) -> None:
        self.said = [Reading(text, confidence, 0.0) for text, confidence in said]

    def pictures(self, crops: list[np.ndarray], batch_size: int) -> list[Reading]:
        assert len(crops) == len(self.said)
        return self.said


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ([("a", 0.5), ("bca", 0.9), ("cab", 0.7)], "bca"),
        ([("a", 0.5), ("bca", 0.1), ("cab", 0.7)], "cab"),
        ([("a", 0.5), ("b", 0.9), ("", 0.0)], "a"),  # a single character stands upright
        ([("", 0.0), ("b", 0.9), ("", 0.0)], ""),
    ],
)
def test_high_boxes_are_read_three_ways(said, text: str) -> None:
    image = np.zeros((60, 60, 3), np.uint8)
    inside, outside = [[5, 5], [15, 5], [15, 50], [5, 50]], [[70, 5], [80, 5], [80, 9], [70, 9]]
    boxes = np.array([outside, inside], np.float32)
    assert word_faults(boxes, 60, 60).astype(bool).tolist() == [True, False]
    outcome = BoxReading(Said(*said)).read(image, boxes)  # type: ignore[arg-type]
    assert outcome[0] is None and outcome[1] is not None and outcome[1].text == text


def test_reading_order() -> None:
    def box(left: int, top: int, width: int = 30, height: int = 10) -> list:
        return [[left, top], [left + width, top], [left + width, top + height], [left, top + height]]

    rows = [box(10, 10), box(44, 13), box(78, 16), box(200, 12), box(10, 40), box(44, 40), box(10, 80, 100, 30)]
    shuffled = [4, 6, 2, 0, 3, 5, 1]
    order = reading_order(np.array([rows[one] for one in shuffled], np.float32))
    assert [shuffled[one] for one in order] == [0, 1, 2, 3, 4, 5, 6]
    assert reading_order(np.zeros((0, 4, 2))) == []


@pytest.mark.parametrize("width", [0.1, 0.125, 0.25, 0.3, 0.5])
def test_width_of_weights_alone(tmp_path: Path, width: float, caplog) -> None:
    """EasyOCR's form: a bare state dict whose names begin with `module.`."""
    state = build_detector(DetectorModel(width=width)).state_dict()
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "craft.pth")
    with caplog.at_level(logging.INFO):
        found = open_detector(str(tmp_path / "craft.pth"), CPU, "off", {"canvas_size": 320})
    assert all(torch.equal(value, found.model.state_dict()[name].cpu()) for name, value in state.items())
    settings = found.settings
    assert (settings.text_threshold, settings.canvas_size, settings.mag_ratio) == (0.7, 320, 1.5)
    assert "the defaults, for its file has none" in caplog.text


def test_orientation_and_transparency(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((20, 60, 3), 128, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "photo.jpg", exif=exif)
    clear = np.zeros((20, 60, 4), np.uint8)
    cv2.imwrite(str(tmp_path / "clear.png"), clear)
    paths = find_images([str(tmp_path)])
    assert [path.name for path in paths] == ["clear.png", "photo.jpg"]
    for words in (True, False):
        stored, upright = (ImageFiles(paths, words=words, upright=upright) for upright in (False, True))
        assert (stored[1].shape, upright[1].shape) == ((20, 60, 3), (60, 20, 3))
        assert stored[0].max() == upright[0].max() == (255 if words else 0)
    (tmp_path / "photo.jpg").unlink()
    with pytest.raises(UnreadableSample, match="cannot be read"):
        stored[1]


def test_a_model_is_needed() -> None:
    with pytest.raises(ValueError, match="a detector or a recogniser"):
        Predictor(None, None)
