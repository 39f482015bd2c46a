"""A process that waits for its GPU ends with a sentence when a peer dies."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from utils.distributed.launch import launch

REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = """
import os, signal, sys, time

import torch

from utils.distributed import group, neighbours
from utils.distributed.group import environment, joined

neighbours.GRACE_S = group._PATIENCE_S = 1.0
processes = environment()
group.dist.is_nccl_available = lambda: True
start = group.dist.init_process_group
group.dist.init_process_group = lambda _backend, device_id, **rest: start("gloo", **rest)
with joined(processes, torch.device("cuda"), 60.0):
    processes.barrier()
    os.write(1, b"joined\\n")
    if sys.argv[1] == "dies" and processes.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if sys.argv[1] == "dies":
        time.sleep(100)  # Waits for the device.
    if processes.rank == 0:
        time.sleep(1)  # Writes the last checkpoint.
os.write(1, b"done\\n")
"""


@pytest.fixture
def run(monkeypatch, capfd):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")

    def launched(how: str) -> tuple[int, str, str]:
        status = launch([sys.executable, "-c", PROGRAM, how], 3, threads=1)
        return (status, *capfd.readouterr())

    return launched


def test_a_process_that_waits_for_its_gpu_learns_that_a_peer_is_dead(run):
    status, _, errors = run("dies")
    assert status == 128 + signal.SIGKILL
    for rank in (0, 2):
        assert f"error: process {rank} stopped: process 1 of 3 stopped answering" in errors
    assert "Traceback" not in errors


def test_a_run_that_ends_well_ends_quietly(run):
    assert run("lives") == (0, "joined\n" * 3 + "done\n" * 3, "")
