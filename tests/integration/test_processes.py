"""One run in two processes, as people start it: the same losses, the same files, and an end that is explained."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tiny_icdar import write_icdar
from tiny_words import recognition_yaml, write_words

from config.loader import load_config
from utils.train_job import train_job

REPOSITORY = Path(__file__).resolve().parents[2]
# At a small rate: what Adam makes of a gradient that is all rounding error stays small, too.
SAME = ["train.global_batch_size=4", "train.sync_batchnorm=true", "train.lr=1e-5", "train.end_iter=6"]


def start(recipe: str, overrides: list[str], nproc: int = 2, *options: str) -> subprocess.Popen:
    command = [sys.executable, "train_distributed.py", f"--yaml={recipe}", f"--nproc={nproc}", *options, *overrides]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(process: subprocess.Popen) -> tuple[int, str]:
    try:
        _, errors = process.communicate(timeout=240)
    finally:
        process.kill()
    return process.returncode, errors


def lines(root: Path, split: str) -> list[dict]:
    rows = [json.loads(line) for line in (root / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["split"] == split]


def losses(root: Path) -> list[float]:
    return [row["loss"] for row in lines(root, "train")]


@pytest.fixture(scope="session")
def jobs(tmp_path_factory, scenes) -> dict[str, tuple[str, list[str], str]]:
    """The three jobs, tiny: recipe, overrides, task."""
    root = tmp_path_factory.mktemp("three_jobs")
    detection = [
        f"train.datasets.0.root={scenes}", f"test.validation.dataset.root={scenes}",
        f"test.test.dataset.root={scenes}", "device=cpu", "amp=off", "model.width=0.125", "train.data.output_size=64",
        "train.eval_interval=3", "train.log_interval=1", "train.image_interval=100", "train.num_workers=0",
        "train.schedule=step", "train.warmup_iter=0", "train.ema_decay=0.9",
    ]  # fmt: skip
    words = write_icdar(root / "words", 10, seed=5)
    dataset = f"{{format: icdar2015, root: {words}, images: images, labels: labels}}"
    weak = f"train.weak={{datasets: [{dataset}], relabel_interval: 3, crop_height: 32, synth_ratio: 2}}"
    reading = recognition_yaml(
        root / "reading.yaml", write_words(root / "train", 40, seed=1), write_words(root / "test", 11, seed=2)
    )
    return {
        "detection": ("craft_tiny", detection, "detection"),
        "weak": ("craft_tiny", [*detection, weak], "detection"),
        "recognition": (str(reading), ["train.eval_interval=3", "train.ema_decay=0.9"], "recognition"),
    }


def test_a_process_ends_without_ending_the_interpreter(jobs, tmp_path: Path, monkeypatch) -> None:
    # At that end Python stops a thread of gloo that waits for its lock, inside C++ code: one run of a hundred aborted.
    abort = "import atexit, os\nif 'RANK' in os.environ:\n    atexit.register(os.abort)\n"
    (tmp_path / "sitecustomize.py").write_text(abort)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    recipe, overrides, _ = jobs["detection"]
    status, errors = finished(start(recipe, [*overrides, *SAME, "train.end_iter=1", f"results_dir={tmp_path}"]))
    assert status == 0, errors


@pytest.mark.parametrize("name", ["detection", "weak", "recognition"])
def test_two_processes_train_as_one_does(jobs, name: str, tmp_path: Path) -> None:
    recipe, overrides, task = jobs[name]
    here = [*overrides, *SAME, f"results_dir={tmp_path}"]
    two = start(recipe, [*here, "name=two"])
    one = train_job(load_config(recipe, [*here, "name=one"], task)).root
    status, errors = finished(two)
    assert status == 0, errors
    assert losses(tmp_path / "two") == pytest.approx(losses(one), rel=3e-4)
    # Every image and word was evaluated once, whoever did it.
    alone, shared = lines(one, "validation"), lines(tmp_path / "two", "validation")
    counted = "images" if task == "detection" else "words"
    assert [row[counted] for row in shared] == [row[counted] for row in alone]
    ours, theirs = (torch.load(root / "checkpoints/last.pth", weights_only=True) for root in (one, tmp_path / "two"))
    assert ours["sampler"] == theirs["sampler"] and ours["step"] == theirs["step"] == 6
    weights = "craft" if task == "detection" else "model"
    for part in (weights, "ema"):
        for key, value in ours[part].items():
            assert torch.allclose(value.double(), theirs[part][key].double(), rtol=1e-3, atol=2e-4), (part, key)
    assert len(list((tmp_path / "two").glob("tensorboard/*"))) == 1  # one process writes
    assert "Warning" not in errors and len(re.findall("iteration 6/6", errors)) == 1


@pytest.mark.slow
def test_from_two_processes_to_one_and_the_number_of_samples(jobs, tmp_path: Path) -> None:
    recipe, overrides, task = jobs["detection"]
    here = [*overrides, "train.sync_batchnorm=true", "train.lr=1e-5", f"results_dir={tmp_path}"]
    status, errors = finished(start(recipe, [*here, "train.batch_size=2", "name=half", "train.end_iter=3"]))
    assert status == 0, errors
    half = [*here, "name=half", "train.end_iter=6"]
    refused = start(recipe, [*half, "train.batch_size=2"], 1, "--resume")
    status, errors = finished(refused)
    assert status == 2
    assert "an iteration of" in errors and "has 4 samples, and one of 1 processes has 2 now" in errors
    resumed = train_job(load_config(recipe, [*half, "train.global_batch_size=4"], task), resume=True).root
    whole = train_job(load_config(recipe, [*here, *SAME, "name=whole"], task)).root
    assert losses(resumed) == pytest.approx(losses(whole), rel=3e-4)
    # Accumulated, one after the other, they are the same samples too; only batch norms see fewer at a time.
    apart = [*here, "train.global_batch_size=4", "train.accumulate=2", "name=apart", "train.end_iter=1"]
    assert losses(train_job(load_config(recipe, apart, task)).root) == pytest.approx(losses(whole)[:1], rel=0.1)


def test_a_process_that_dies_ends_the_run_and_is_named(jobs, tmp_path: Path) -> None:
    recipe, overrides, _ = jobs["detection"]
    endless = [*overrides, "train.end_iter=100000", "train.validation=none", "train.save_interval=5"]
    process = start(recipe, [*endless, f"results_dir={tmp_path}", "name=lost"])
    try:
        wait_for(lambda: (tmp_path / "lost/checkpoints/last.pth").exists(), process)
        second = child(process.pid, "1")
        os.kill(second, signal.SIGKILL)
        status, errors = finished(process)
    finally:
        process.kill()
    assert status == 128 + signal.SIGKILL
    assert "error: process 0 stopped: process 1 of 2 stopped answering" in errors
    assert "error: process 1 of 2 was ended by SIGKILL" in errors
    assert "Traceback" not in errors
    assert torch.load(tmp_path / "lost/checkpoints/last.pth", weights_only=True)["step"] >= 3


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGUSR1, marks=pytest.mark.slow)])
def test_a_run_that_is_asked_to_stop_saves_and_ends_well(jobs, tmp_path: Path, number: signal.Signals) -> None:
    recipe, overrides, _ = jobs["detection"]
    endless = [*overrides, "train.end_iter=100000", "train.validation=none", "train.save_interval=100000"]
    process = start(recipe, [*endless, f"results_dir={tmp_path}", "name=asked"])
    try:
        log = tmp_path / "asked/metrics.jsonl"
        wait_for(lambda: log.exists() and log.stat().st_size > 0, process)
        process.send_signal(number)
        status, errors = finished(process)
    finally:
        process.kill()
    assert status == 0, errors
    reached = int(re.search(r"stopped at iteration (\d+); --resume continues", errors)[1])
    assert torch.load(tmp_path / "asked/checkpoints/last.pth", weights_only=True)["step"] == reached


def test_mistakes_are_one_sentence(jobs, tmp_path: Path) -> None:
    recipe, overrides, _ = jobs["detection"]
    here = [*overrides, f"results_dir={tmp_path}"]
    status, errors = finished(start(recipe, [*here, "train.lr=fast"]))
    assert status == 2 and errors.count("error: ") == 1
    status, errors = finished(start(recipe, [*here, "train.global_batch_size=5"]))
    assert status == 2, errors
    assert "global_batch_size=5 cannot be divided evenly among 2 processes" in errors and "Traceback" not in errors
    assert errors.count("error: ") == 1


def wait_for(happened, process: subprocess.Popen) -> None:
    until = time.monotonic() + 200
    while not happened():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)


def child(parent: int, rank: str) -> int:
    """Return the process of a rank among a launcher's children."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if int((place / "stat").read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            if f"RANK={rank}\0".encode() in (place / "environ").read_bytes():
                return int(place.name)
        except OSError:
            continue
    raise AssertionError(f"no process of rank {rank}")
