"""`convert.py` from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "convert.py", "--yaml=convert_words", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)


def test_a_folder_becomes_an_lmdb_and_mistakes_one_sentence(tmp_path: Path) -> None:
    root = tmp_path / "words"
    root.mkdir()
    cv2.imwrite(str(root / "a.png"), np.zeros((5, 9, 3), np.uint8))
    (root / "gt.txt").write_text("a.png\tword\n")
    done = run(f"datasets.0.root={root}", f"output_dir={tmp_path / 'out'}")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["converted.json", "data.mdb"]
    wrong = run(f"datasets.0.root={root}", f"output_dir={tmp_path / 'out'}")
    assert wrong.returncode == 2 and wrong.stderr.count("\n") == 1
    assert wrong.stderr.startswith(f"error: {tmp_path / 'out'} holds an earlier conversion")
    wrong = run("datasets.0={format: crops, dataset: {format: icdar2015, rot: x}}")
    assert wrong.returncode == 2 and "did you mean 'datasets.0.dataset.root'?" in wrong.stderr
