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


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")


def kill(folder: Path, kills: int, *job: str) -> str:
    """Kill a run so often; return the table."""
    command = [sys.executable, "-m", "tests.faults.training_kill", "--script=trainSynth.py", "--yaml=craft_tiny"]
    done = subprocess.run(
        [*command, f"--kills={kills}", f"--folder={folder}", *job],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert done.stdout.count("SIGKILL while saving") == kills // 2, said
    assert "checkpoints lost: 0" in done.stdout and "lines of the log equal: True" in done.stdout
    assert "last.pth: 0 of" in done.stdout and "best.pth: 0 of" in done.stdout
    assert list((folder / "harried").rglob("*.part")) == []
    return done.stdout


@pytest.fixture
def job(overrides) -> list[str]:
    return [*overrides, "train.save_interval=2", "train.ema_decay=0.9", "test.validation.canvas_size=128"]


def test_four_kills(job, tmp_path: Path) -> None:
    kill(tmp_path, 4, *job, "train.end_iter=16", "train.eval_interval=8", "train.num_workers=1")


@pytest.mark.slow
@pytest.mark.kill
def test_thirty_kills(job, tmp_path: Path) -> None:
    print(kill(tmp_path, 30, *job, "train.end_iter=120", "train.eval_interval=20", "train.num_workers=2"))
