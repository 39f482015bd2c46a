"""A run that is killed again and again, in its saves above all, and resumed each time, is the undisturbed run.

The short form of `make test-kill`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_four_kills(overrides, tmp_path: Path) -> None:
    job = [
        *overrides,
        "train.end_iter=20",
        "train.save_interval=2",
        "train.eval_interval=8",
        "train.num_workers=1",
        "train.ema_decay=0.9",
        "test.validation.canvas_size=128",
    ]
    command = [sys.executable, "-m", "benchmarks.training_kill", "--script=trainSynth.py", "--yaml=craft_tiny"]
    done = subprocess.run(
        [*command, "--kills=4", f"--folder={tmp_path}", *job],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert done.stdout.count("SIGKILL while saving") == 2, said
    assert "checkpoints lost: 0" in done.stdout and "lines of the log equal: True" in done.stdout
    assert "last.pth: 0 of" in done.stdout and "best.pth: 0 of" in done.stdout
    assert list((tmp_path / "harried" / "checkpoints").glob(".*")) == []
