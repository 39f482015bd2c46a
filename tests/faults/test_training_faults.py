"""What a cluster does to a run: signals, full disks, killed loader processes, lost images. One sentence each."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from config.errors import UserError
from config.loader import load_config
from utils.engine.trainer import Trainer
from utils.train_job import train_job

ROOT = Path(__file__).resolve().parents[2]


def train(overrides, *extra: str, resume: bool = False):
    return train_job(load_config("craft_tiny", [*overrides, *extra], "detection"), resume=resume)


def folder_of(overrides) -> Path:
    config = load_config("craft_tiny", overrides, "detection")
    return Path(config.results_dir) / config.name


def before_each_step(monkeypatch, what) -> None:
    """Let `what(step)` happen before each iteration."""
    original = Trainer._train_step

    def step(self, *arguments):
        what(self.step)
        return original(self, *arguments)

    monkeypatch.setattr(Trainer, "_train_step", step)


SLOW = """
import sys, time
from utils.engine.trainer import Trainer
original = Trainer._train_step
def slow(self, *arguments):
    original(self, *arguments)
    time.sleep(0.5)
Trainer._train_step = slow
from config.cli import run
from trainSynth import main
run(main)
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no process groups")
def test_ctrl_c_once_saves_and_twice_leaves(overrides) -> None:
    command = [sys.executable, "-c", SLOW, "--yaml", "craft_tiny", *overrides, "train.end_iter=400"]
    ends = []
    for presses in (1, 2):
        job = subprocess.Popen(
            [*command, f"name=pressed_{presses}"], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        said = []
        for line in job.stderr:
            said.append(line)
            if "iteration 2/400" in line:
                os.killpg(job.pid, signal.SIGINT)
            if "SIGINT: saving after this iteration" in line and presses == 2:
                os.killpg(job.pid, signal.SIGINT)
        assert "Traceback" not in "".join(said), said
        ends.append((job.wait(60), said[-1].strip()))
    assert ends[0][0] == 0 and "stopped at iteration 3; --resume continues" in ends[0][1]
    assert ends[1] == (130, "interrupted")
    checkpoints = folder_of([*overrides, "name=pressed_1"]) / "checkpoints"
    assert torch.load(checkpoints / "last.pth", weights_only=True)["step"] == 3


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the system has no SIGUSR1")
def test_slurms_warning_to_every_process_of_the_job(overrides) -> None:
    """The loader processes, which get it too, outlast it: the iteration is finished and saved."""
    command = [sys.executable, "-c", SLOW, "--yaml", "craft_tiny", *overrides, "train.end_iter=400"]
    job = subprocess.Popen(
        [*command, "train.num_workers=2"], cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    said = []
    for line in job.stderr:
        said.append(line)
        if "iteration 2/400" in line:
            os.killpg(job.pid, signal.SIGUSR1)
    assert job.wait(60) == 0, said
    assert "SIGUSR1: saving after this iteration" in said[-3] and "stopped at iteration 3;" in said[-1], said
    assert torch.load(folder_of(overrides) / "checkpoints" / "last.pth", weights_only=True)["step"] == 3


@pytest.mark.parametrize("at_once", [True, False])
def test_a_killed_loader_process_is_one_sentence(overrides, monkeypatch, at_once: bool) -> None:
    """Whether its death is noticed within an iteration or when the next batch is fetched."""
    victims = []

    def kill(step: int) -> None:
        if step == 3:
            victims.extend(child.pid for child in multiprocessing.active_children())
            threading.Timer(0.0 if at_once else 0.05, os.kill, (victims[0], signal.SIGKILL)).start()
            time.sleep(0.5 if at_once else 0.0)

    before_each_step(monkeypatch, kill)
    with pytest.raises(UserError, match=r"a loader process \(pid \d+\) was ended by the signal 'Killed'; .*memory"):
        train(overrides, "train.num_workers=2", "train.save_interval=2", "train.end_iter=4000", "train.log_interval=9")
    path = folder_of(overrides) / "checkpoints" / "last.pth"
    assert torch.load(path, weights_only=True)["step"] >= 2
    monkeypatch.undo()
    train(overrides, "train.save_interval=2", f"train.end_iter={torch.load(path)['step'] + 1}", resume=True)


@pytest.mark.parametrize(
    ("room", "words"),
    [(100_000, r"last\.pth cannot be written \(.*large\)"), (1200, r"(logs of .*|metrics\S*) cannot be written")],
)
def test_a_disk_that_fills_up_is_one_sentence(overrides, monkeypatch, capfd, room: int, words: str) -> None:
    """The limit on file sizes stands in for the disk: first the saves hit it, in the second case the logs."""
    resource = pytest.importorskip("resource")
    former = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(step: int) -> None:
        if step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, former[1]))

    before_each_step(monkeypatch, fill)
    try:
        with pytest.raises(UserError, match=words):
            train(overrides, "train.save_interval=3", "train.end_iter=40", "train.eval_interval=40")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
    assert "Traceback" not in capfd.readouterr().err
    monkeypatch.undo()
    path = folder_of(overrides) / "checkpoints" / "last.pth"
    assert torch.load(path, weights_only=True)["step"] == 3
    folder = train(overrides, "train.save_interval=3", "train.eval_interval=40", resume=True)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "train"] == list(range(1, 7))
    rows = folder.table("train").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["step", *map(str, range(1, 7))]


@pytest.mark.slow
def test_a_real_disk_of_32_megabytes(overrides, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        job = [*overrides, f"results_dir={disk}", "model.width=0.25", "train.end_iter=40", "train.save_interval=2"]
        done = subprocess.run(
            [sys.executable, "trainSynth.py", "--yaml", "craft_tiny", *job, "train.eval_interval=40"],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        complaints = [line for line in done.stderr.splitlines() if "INFO" not in line and "WARNING" not in line]
        assert done.returncode == 2 and len(complaints) == 1, done.stderr
        assert complaints[0].startswith("error: ") and "No space left" in complaints[0], complaints
        content = torch.load(disk / "run" / "checkpoints" / "last.pth", weights_only=True)
        assert content["step"] >= 2
        assert not list((disk / "run" / "checkpoints").glob(".*"))
    finally:
        subprocess.run(["umount", str(disk)], check=False)


def test_an_image_that_goes_away_is_replaced_and_listed_once(
    overrides, scenes: Path, tmp_path: Path, monkeypatch
) -> None:
    data = tmp_path / "data"
    shutil.copytree(scenes, data)

    def lose(step: int) -> None:
        if step == 4:
            (data / "8" / "scene_3.jpg").unlink()

    before_each_step(monkeypatch, lose)
    job = (f"train.datasets.0.root={data}", "train.eval_interval=40", "train.save_interval=1")
    folder = train(overrides, *job, "train.end_iter=16")
    train(overrides, *job, "train.end_iter=30", resume=True)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    counts = [line["unreadable"] for line in lines if line["split"] == "train"]
    assert counts[3] == 0 < counts[15] < counts[-1]
    (listed,) = folder.unreadable.read_text().splitlines()
    assert "scene_3.jpg" in listed and "missing" in listed
