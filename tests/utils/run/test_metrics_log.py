"""The CSV logs say what `metrics.jsonl` says, and a resumed run does not repeat itself in them."""

from __future__ import annotations

import csv
import json
import logging
import math
from pathlib import Path

import pytest

from config.errors import UserError
from utils.run.folder import RunFolder
from utils.run.metrics_log import MetricsLog


def logged(folder: RunFolder, steps: range, **more: float) -> None:
    records = MetricsLog(folder, steps.start - 1)
    for step in steps:
        records.write(step, "train", {"loss": 1 / step, "gauge": None if step % 2 else math.inf, **more})
        if step % 3 == 0:
            records.write(step, "validation", {"cer": 0.5})
    records.close()


def rows(folder: RunFolder, split: str) -> list[list[str]]:
    with open(folder.table(split), encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_one_file_for_each_split(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    logged(folder, range(1, 7))
    assert rows(folder, "train")[0] == ["step", "loss", "gauge"]
    assert [(int(row[0]), float(row[1]), row[2]) for row in rows(folder, "train")[1:]] == [
        (step, 1 / step, "") for step in range(1, 7)
    ]
    assert rows(folder, "validation") == [["step", "cer"], ["3", "0.5"], ["6", "0.5"]]


def test_a_resumed_log_is_that_of_an_uninterrupted_run(tmp_path) -> None:
    whole, halves = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "halves")
    for folder in (whole, halves):
        folder.make(fresh=False)
    logged(whole, range(1, 13))
    logged(halves, range(1, 10))
    with open(halves.table("train"), "a", encoding="utf-8") as file:
        file.write("1")  # the run was killed while it wrote "10,..."
    halves.forget_after(5)
    logged(halves, range(6, 13))
    for split in ("train", "validation"):
        assert halves.table(split).read_text() == whole.table(split).read_text()
    assert halves.metrics.read_text() == whole.metrics.read_text()


def test_numbers_that_come_later_are_in_the_json_alone(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    logged(folder, range(1, 3))
    logged(folder, range(3, 4), extra=7.0)
    assert [len(row) for row in rows(folder, "train")] == [3, 3, 3, 3]
    assert '"extra": 7.0' in folder.metrics.read_text()


def test_a_table_without_a_whole_header_begins_anew(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    folder.table("train").write_text("step,lo", encoding="utf-8")
    folder.forget_after(3)
    logged(folder, range(4, 5))
    assert rows(folder, "train") == [["step", "loss", "gauge"], ["4", "0.25", ""]]


def test_a_line_at_the_step_that_a_run_goes_on_from_is_replaced(tmp_path) -> None:
    """A run killed between a line and the checkpoint that knows of it writes it again."""
    folder = RunFolder(tmp_path)
    logged(folder, range(1, 7))
    folder.forget_after(6)
    before = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    again = MetricsLog(folder, 6)
    again.write(6, "validation", {"cer": 0.25})
    again.close()
    after = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert after == [*before[:-1], {"step": 6, "split": "validation", "cer": 0.25}]
    assert rows(folder, "validation") == [["step", "cer"], ["3", "0.5"], ["6", "0.25"]]


def test_a_run_goes_on_without_tensorboard(tmp_path, caplog) -> None:
    folder = RunFolder(tmp_path)
    folder.tensorboard.write_text("a file in the way")
    with caplog.at_level(logging.WARNING):
        logged(folder, range(1, 5))
    assert len(caplog.records) == 1 and "continuing without TensorBoard" in caplog.text
    assert len(folder.metrics.read_text().splitlines()) == 5


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path) -> None:
    folder = RunFolder(tmp_path)
    records = MetricsLog(folder, 0)
    folder.metrics.unlink()
    folder.metrics.symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"logs of .* \(No space left on device\); make room; no checkpoint has been"):
        records.write(1, "train", {"loss": 1.0})
    records.close()
