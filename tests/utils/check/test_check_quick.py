from __future__ import annotations

import shutil
from pathlib import Path

from check_sources import opened

from utils.check import sources as check_sources
from utils.check.quick import quick_check
from utils.check.sources import open_sources


def test_lines(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    lines = quick_check(config)
    assert lines == [
        "train.weak.datasets.0: 5 images; 15 words (33 % don't care); no character boxes; "
        "words 6 px high for the network (6 to 6), 100 % under 8 px",
        "test.mine: 3 images; 9 words (33 % don't care); no character boxes; "
        "words 15 px high for the network (15 to 15), 0 under 8 px",
    ]


def test_faults_are_warnings(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    shutil.copy(tmp_path / "train/images/img_2.jpg", tmp_path / "test/images/img_2.jpg")
    (tmp_path / "train/labels/gt_img_1.txt").write_text("5,5,x,5,45,15,5,15,bad\n", encoding="utf-8")
    warnings = [line for line in quick_check(config) if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert "gt_img_1.txt line 1" in warnings[0]
    assert "img_2.jpg is in both train.weak.datasets.0 and test.mine" in warnings[1]


def test_all_datasets_of_a_synthetic_job(overrides) -> None:
    from config.loader import load_config

    config = load_config("craft_tiny", overrides, "detection")
    names = [source.name for source in open_sources(config)[0]]
    assert names == ["train.datasets.0", "test.validation", "test.test"]
    lines = quick_check(config)  # the test fixtures train and test on the same folder
    assert lines[0].startswith("train.datasets.0: 9 images; 18 words (0 don't care); 54 characters; words ")
    assert "is in both train.datasets.0 and test.validation" in lines[-1]


def test_datasets_that_training_has_open_are_not_opened_again(tmp_path: Path, monkeypatch) -> None:
    config, sources = opened(tmp_path)
    (tmp_path / "train/labels/gt_img_1.txt").write_text("5,5,x,5,45,15,5,15,bad\n", encoding="utf-8")
    handed = {source.name: source.reader for source in sources}
    before, asked = quick_check(config, handed), []
    real = check_sources.open_dataset
    monkeypatch.setattr(check_sources, "open_dataset", lambda settings: asked.append(settings) or real(settings))
    assert quick_check(config, handed) == before and asked == []
    assert quick_check(config, {"test.mine": handed["test.mine"]}) != before
    assert {id(settings) for settings in asked} >= {id(config.train.weak.datasets[0])}
    assert id(config.test["mine"].dataset) not in {id(settings) for settings in asked}
