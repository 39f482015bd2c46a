from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from check_sources import opened

from config.loader import load_config
from data.sample import TextSample
from utils.check.sheet import annotated, training_view, write_sheet
from utils.check.sources import open_sources
from utils.draw.palette import CHARACTER, IGNORED, WORD


def has_colour(picture: np.ndarray, colour) -> bool:
    return bool((np.abs(picture.astype(int) - colour).max(-1) <= 30).any())


def test_colours() -> None:
    quads = np.array([[[10, 10], [50, 10], [50, 30], [10, 30]], [[60, 10], [90, 10], [90, 30], [60, 30]]], np.float32)
    sample = TextSample(
        "a",
        np.zeros((100, 100, 3), np.uint8),
        ["ab", "###"],
        quads,
        np.array([False, True]),
        np.array([[[14, 14], [26, 14], [26, 26], [14, 26]]], np.float32),
        np.array([0]),
    )
    picture = annotated(sample, 100, 400)
    assert picture.shape == (100, 100, 3)
    assert all(has_colour(picture, colour) for colour in (WORD, IGNORED, CHARACTER))
    assert has_colour(picture[10:30, 10:11], WORD)
    assert not has_colour(picture[:, 55:], WORD)
    # Doubled, the word's left edge lies at 10.5 * 2 - 0.5, half on the pixels 20 and 21.
    column = annotated(sample, 200, 400)[40, :40].sum(-1)
    assert np.flatnonzero(column).tolist()[:2] == [20, 21]


def test_words_only(tmp_path: Path) -> None:
    config, sources = opened(tmp_path)
    assert len(training_view(sources[0].reader[0], sources[0], config, 0)) == 1
    path = tmp_path / "out" / "sheet.png"
    assert write_sheet(path, sources, config) == 5 + 3
    sheet = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert has_colour(sheet, WORD)
    assert has_colour(sheet, IGNORED)


def test_characters_have_targets(overrides, tmp_path: Path) -> None:
    config = load_config("craft_tiny", overrides, "detection")
    sources, _ = open_sources(config)
    crop, region, affinity = training_view(sources[0].reader[0], sources[0], config, 0)
    assert crop.shape == region.shape == affinity.shape
    assert region.max() > 200
    assert write_sheet(tmp_path / "sheet.png", sources, config, limit=4) >= 3
