"""Two agents of torchrun, one of them killed and started again: the run ends as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch.distributed as dist

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's loopback addresses or namespaces"),
    pytest.mark.skipif(not (dist.is_available() and dist.is_gloo_available()), reason="this torch has no gloo"),
]


@pytest.mark.parametrize("pause", [0, 25], ids=["back at once", "back after the others gave up"])
def test_a_killed_agent_that_is_started_again(overrides, tmp_path: Path, pause: int) -> None:
    job = [*overrides, "train.global_batch_size=8", "train.end_iter=40", "train.eval_interval=20"]
    command = [sys.executable, "-m", "tests.faults.two_machines", "--yaml=craft_tiny", "--kill", f"--pause={pause}"]
    done = subprocess.run(
        [*command, f"--folder={tmp_path / 'runs'}", *job, "train.save_interval=5"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "| logged losses that differ | | 0 of 40 |" in done.stdout, said
    assert "`last.pth` that differ (weights, optimiser, scores) | | 0 of" in done.stdout, said
