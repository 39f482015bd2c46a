from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from config.errors import UserError
from utils.check.report import CheckOptions, Report, counted, percent, quantiles, raise_problems, some
from utils.evaluate.results import table


def test_table_is_aligned() -> None:
    assert table(("name", "n"), [("a", "1,000"), ("longer", "2")]) == [
        "name        n",
        "a       1,000",
        "longer      2",
    ]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "-"), (0, 9, "0"), (1, 10_000, "0.01 %"), (1, 100, "1 %"), (12, 100, "12 %"), (9, 9, "100 %")],
)
def test_percent(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


def test_small_texts() -> None:
    assert counted(1, "image") == "1 image"
    assert counted(2000, "image") == "2,000 images"
    assert some(["a", "b", "c", "d"], 3) == "a, b, c and 1 more"
    assert quantiles(np.array([1.0, 2.0, 3.0]), (0, 0.5, 1)) == [1.0, 2.0, 3.0]
    assert quantiles(np.zeros(0)) == []


def test_verdict_and_status() -> None:
    said: list[str] = []
    report = Report(said.append)
    report.section("Empty", [])
    report.section("Title", ["line"])
    assert said == ["Title\n  line\n"]
    assert report.verdict("ready to train") == "verdict: ready to train"
    raise_problems(report)

    report.remarks.append("odd")
    report.problems += ["first", "second"]
    lines = report.verdict("ready to train").splitlines()
    assert lines[0:2] == ["worth a look:", "  - odd"]
    assert lines[-2:] == ["  1. first", "  2. second"]
    with pytest.raises(UserError, match=r"not ready to train: first \(and 1 more"):
        raise_problems(report)
    assert report.values()["ready"] is False


def test_a_report_ends_with_its_verdict_and_its_file(tmp_path: Path) -> None:
    for trains, ending in ((True, "ready to train"), (False, "there is nothing to train on (train.datasets is empty)")):
        said: list[str] = []
        report = Report(said.append, figures={"words": 3})
        assert report.finish(CheckOptions(json=str(tmp_path / "figures.json")), trains=trains) is report
        assert said[-1].endswith(ending)
    assert json.loads((tmp_path / "figures.json").read_text()) == {
        "words": 3, "problems": [], "remarks": [], "ready": True
    }  # fmt: skip


def test_a_job_without_data_is_refused_unless_its_problems_say_why() -> None:
    with pytest.raises(UserError, match="names no dataset"):
        Report(print).require([])
    Report(print).require(["a dataset"])
    Report(print, problems=["this one is missing"]).require([])


def test_options() -> None:
    assert CheckOptions(deep=True).limit([5, 10**9]) == 10**9 and CheckOptions(deep=True).limit([]) == 0
    assert CheckOptions().limit([5, 10**9]) == 50_000
    with pytest.raises(UserError, match=r"--draw sheet\.gif: name a \.png or \.jpg file"):
        CheckOptions(draw="sheet.gif")
