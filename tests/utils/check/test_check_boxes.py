from __future__ import annotations

from pathlib import Path

import numpy as np
from check_sources import opened, reopened
from tiny_icdar import HEIGHT, WIDTH

from data.preprocess import Preprocess
from utils.check.boxes import SMALL, measure_boxes, report_boxes, word_heights
from utils.check.counts import take_census
from utils.check.probe import survey_images
from utils.check.report import Report


def measured(config, source):
    return measure_boxes(source, survey_images(source, deep=False), config, 1000)


def test_word_heights() -> None:
    upright = [[0, 0], [30, 0], [30, 10], [0, 10]]
    turned = [[0, 0], [0, 30], [-10, 30], [-10, 0]]  # reads downwards: 10 high all the same
    wedge = [[0, 0], [30, 0], [30, 8], [0, 4]]
    assert word_heights(np.array([upright, turned, wedge], np.float32)).tolist() == [10, 10, 6]


def test_training_height_is_that_of_the_crop(tmp_path: Path) -> None:
    """Without a crop the longer side is fitted into the training square: 64 / 100."""
    config, sources = opened(tmp_path)
    found = measured(config, sources[0])
    assert found.stored.tolist() == [10] * 10  # 5 images of 2 words; "don't care" is left out
    np.testing.assert_allclose(found.seen, 10 * 64 / WIDTH, rtol=1e-5)
    assert found.lost == 0


def test_test_height_is_that_of_the_canvas(tmp_path: Path) -> None:
    config, sources = opened(tmp_path)
    fitted = Preprocess().fit(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 150, 2.0)
    np.testing.assert_allclose(measured(config, sources[1]).seen, 10 * fitted.matrix[1, 1], rtol=1e-5)
    assert fitted.matrix[1, 1] == 1.5


def test_words_outside_the_crop_are_not_seen(tmp_path: Path) -> None:
    config, sources = opened(tmp_path, train_images=30)
    crop = config.train.weak.custom_aug.random_crop.model_copy(
        update={"option": True, "version": "random_resize_crop", "scale": [0.25, 0.25], "ratio": [1.0, 1.0]}
    )
    augment = config.train.weak.custom_aug.model_copy(update={"random_crop": crop})
    weak = config.train.weak.model_copy(update={"custom_aug": augment})
    config = config.model_copy(update={"train": config.train.model_copy(update={"weak": weak})})
    found = measured(config, sources[0])
    assert len(found.seen) + found.lost == 60
    assert 0 < len(found.seen) < 60
    np.testing.assert_allclose(found.seen, 10 * 64 / np.sqrt(0.25 * HEIGHT * WIDTH), rtol=1e-4)


def test_small_and_odd_boxes_are_told(tmp_path: Path) -> None:
    opened(tmp_path)
    label = tmp_path / "train/labels/gt_img_2.txt"
    label.write_text("5,5,45,5,45,12,5,12,low\n200,5,240,5,240,30,200,30,away\n90,5,120,5,120,30,90,30,over\n")
    config, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    found = measured(config, sources[0])
    assert (found.outside, found.degenerate, found.beyond) == (1, 0, 1)
    assert found.places == ["gt_img_2.txt line 2"]
    report = Report(lambda text: None)
    report_boxes(report, sources[:1], [take_census(sources[0], 1000)], [found])
    figures = report.figures["boxes"]["train.weak.datasets.0"]
    # 8 words of 6.4 px and one of 4.5 px; the middles of the other two lie outside the crop.
    assert figures[f"under_{SMALL:g}_px"] == 9
    assert figures["words_measured"] == 9
    assert any("1 word without a usable place" in problem for problem in report.problems)
    assert any("e.g. gt_img_2.txt line 2" in problem for problem in report.problems)
    assert any("under 8 pixels high" in remark for remark in report.remarks)


def test_a_word_outside_that_max_dropped_allows_is_a_remark(tmp_path: Path) -> None:
    opened(tmp_path, train_images=50)
    label = tmp_path / "train/labels/gt_img_2.txt"
    label.write_text("200,5,240,5,240,30,200,30,away\n", encoding="utf-8")
    config, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    found = measured(config, sources[0])
    assert (found.outside, found.words) == (1, 148)
    report = Report(lambda text: None)
    report_boxes(report, sources[:1], [take_census(sources[0], 1000)], [found])
    assert report.problems == []
    assert any("1 word without a usable place" in remark for remark in report.remarks)
