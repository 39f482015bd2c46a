"""Threads that wait for one another sleep: every program says so before torch, which reads it once, is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TORCH = """
import os
print(os.environ.get("OMP_WAIT_POLICY"))
os._exit(0)
"""
"""Takes the place of torch: tells what it would read, and ends the program."""

PROGRAMS = {
    "train.py": ["--yaml=rec_digits"],
    "trainSynth.py": ["--yaml=craft_tiny"],
    "train_distributed.py": ["--yaml=craft_tiny"],
    "eval.py": ["--yaml=craft_tiny"],
    "check.py": ["--yaml=craft_tiny"],
    "predict.py": ["--recognizer=weights.pth", "word.png"],
}


@pytest.mark.parametrize("policy", [None, "active"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_policy_is_set_before_torch(program: str, policy: str | None, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text(TORCH, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    if policy is not None:
        environment["OMP_WAIT_POLICY"] = policy
    done = subprocess.run(
        [sys.executable, str(ROOT / program), *PROGRAMS[program]],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [policy or "passive"], done.stderr
