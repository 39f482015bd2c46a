"""The GPU check, tiny and on a CPU: every section runs, and finds nothing wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_words import write_words

from benchmarks.gpu import __main__ as program
from benchmarks.gpu.bench import MARK


@pytest.fixture(scope="module")
def data(scenes, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("gpu")
    for split in ("train", "test"):
        (root / "scenes").mkdir(exist_ok=True)
        (root / "scenes" / split).symlink_to(scenes)
        write_words(root / "words" / split, 24, seed=1)
    return root


@pytest.mark.parametrize("section", program.SECTIONS)
def test_a_section_runs(section, data, tmp_path, capsys):
    arguments = ["--device", "cpu", "--data", str(data), "--work", str(tmp_path), "--tiny", "--section", section]
    assert program.main(arguments) == 0
    output = capsys.readouterr().out
    rows = [json.loads(line.removeprefix(MARK)) for line in output.splitlines() if line.startswith(MARK)]
    assert rows and not [row for row in rows if row[-1] == "FAIL"], rows


def test_a_section_that_ends_early_is_a_row(monkeypatch):
    monkeypatch.setattr(program.sys, "executable", "false")
    rows = program.section_rows("equality", 10, [])
    assert rows[0] == ["equality", "ended with status 1", "", "FAIL"] and rows[1][1] == "seconds"
