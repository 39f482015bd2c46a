from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from check_sources import opened, reopened

from utils.check.characters import odd_characters, report_characters, visible
from utils.check.counts import report_counts, take_census
from utils.check.report import Report
from utils.check.sources import open_sources


def test_census(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "train/labels/gt_img_1.txt").write_text("", encoding="utf-8")
    (tmp_path / "train/labels/gt_img_2.txt").write_text("5,5,45,5,45,15,5,15,a b\n", encoding="utf-8")
    (tmp_path / "train/labels/gt_img_3.txt").write_text("5,5,45,5,45,15,5,15,I\n", encoding="utf-8")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    census = take_census(sources[0], 1000)
    assert (census.looked, census.whole, census.words, census.ignored, census.without_text) == (5, True, 8, 2, 1)
    assert census.per_image.tolist() == [0, 1, 1, 3, 3]
    assert census.single == 1
    assert census.characters == Counter({"W": 4, "o": 4, "r": 4, "d": 4, "a": 1, "b": 1, " ": 1, "I": 1})
    part = take_census(sources[0], 2)
    assert (part.looked, part.whole, part.words) == (2, False, 1)


def test_table_and_reasons(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    label = tmp_path / "train/labels/gt_img_3.txt"
    label.write_text("\n" * 6 + "5,5,x,5,45,15,5,15,bad\n" + "5,5,45,5,45,15,5,15,good\n", encoding="utf-8")
    sources, problems = open_sources(config)
    assert len(problems) == 1
    assert problems[0].startswith("train.weak.datasets.0: ")
    assert "gt_img_3.txt line 7" in problems[0]
    said: list[str] = []
    report = Report(said.append, problems)
    report_counts(report, sources, [take_census(source, 1000) for source in sources])
    assert "train.weak.datasets.0  icdar2015" in said[0]
    assert "1 (7.1 %)" in said[0]  # one of 13 + 1
    assert "gt_img_3.txt line 7" in said[1]
    figures = report.figures["counts"]["train.weak.datasets.0"]
    assert (figures["images"], figures["words"], figures["dont_care"]) == (5, 13, 4)
    assert sum(figures["left_out"].values()) == 1


def test_few_faults_are_a_remark(tmp_path: Path) -> None:
    opened(tmp_path, train_images=60)
    label = tmp_path / "train/labels/gt_img_3.txt"
    label.write_text("5,5,45,5,45,5,5,5,flat\n", encoding="utf-8")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    report = Report(lambda text: None)
    report_counts(report, sources, [take_census(source, 1000) for source in sources])
    assert report.problems == []
    assert "1 word left out as faulty" in report.remarks[0]
    assert "gt_img_3.txt line 1" in report.remarks[0]


def test_what_cannot_be_parsed_is_a_problem_unless_it_is_allowed(tmp_path: Path) -> None:
    config, _ = opened(tmp_path, train_images=120)
    label = tmp_path / "train/labels/gt_img_3.txt"
    label.write_text("\n" * 6 + "5,5,x,5,45,15,5,15,bad\n", encoding="utf-8")
    _, problems = open_sources(config)
    assert len(problems) == 1
    assert "1 item of its labels cannot be parsed (e.g. gt_img_3.txt line 7: 'x', a coordinate is not" in problems[0]
    assert config.train.weak is not None
    settings = type(config.train.weak.datasets[0])(
        **{**config.train.weak.datasets[0].model_dump(exclude_unset=True), "max_dropped": 0.01}
    )
    config.train.weak.datasets[0] = settings
    assert open_sources(config)[1] == []


def test_nothing_to_learn(tmp_path: Path) -> None:
    opened(tmp_path)
    for label in (tmp_path / "train/labels").iterdir():
        label.write_text("5,5,45,5,45,15,5,15,###\n", encoding="utf-8")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    report = Report(lambda text: None)
    report_counts(report, sources, [take_census(source, 1000) for source in sources])
    assert len(report.problems) == 1
    assert "no word of its 5 images can be used for training" in report.problems[0]


def test_missing_dataset_is_a_problem_and_the_others_are_looked_at(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    (tmp_path / "test/images").rename(tmp_path / "test/pictures")
    sources, problems = open_sources(config)
    assert [source.name for source in sources] == ["train.weak.datasets.0"]
    assert len(problems) == 1
    assert problems[0].startswith("test.mine: ")


@pytest.mark.parametrize(
    ("character", "text"),
    [("a", "a"), (" ", "␣"), ("\x07", "U+0007"), ("\u200b", "U+200B"), ("\u0301", "U+0301"), ("é", "é")],
)
def test_visible(character: str, text: str) -> None:
    assert visible(character) == text


def test_odd_characters() -> None:
    found = odd_characters(Counter(["a", " ", "\x07", "\u200b", "e\u0301", "é", "\u00a0", "क्‍ष"]))
    assert found == {"not in NFC": ["e\u0301"], "invisible": ["\x07", "\u00a0", "\u200b"]}


def test_characters_the_training_data_lack(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "test/labels/gt_img_1.txt").write_text("5,5,45,5,45,15,5,15,Worüx\n", encoding="utf-8")
    _, sources = reopened(tmp_path, tmp_path / "train", tmp_path / "test")
    report = Report(lambda text: None)
    report_characters(report, sources, [take_census(source, 1000) for source in sources])
    assert report.figures["characters"]["unseen"] == ["x", "ü"]
    assert report.figures["characters"]["training"] == {"W": 10, "o": 10, "r": 10, "d": 10}
    assert report.remarks == []


def test_crossed_quads_are_a_problem_where_they_are_many(tmp_path: Path) -> None:
    for images, problems in ((5, 1), (60, 0)):
        root = tmp_path / str(images)
        root.mkdir()
        opened(root, train_images=images)
        label = root / "train/labels/gt_img_3.txt"
        label.write_text("5,5,45,15,45,5,5,15,bow\n", encoding="utf-8")
        _, sources = reopened(root, root / "train", root / "test")
        report = Report(lambda text: None)
        report_counts(report, sources, [take_census(source, 1000) for source in sources])
        assert len(report.problems) == problems
        if problems:
            assert "1 word whose sides cross" in report.problems[0] and "gt_img_3.txt line 1" in report.problems[0]
