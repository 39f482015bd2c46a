"""train(2 N) is train(N) and resume(N), to the last bit, in everything a run holds and in every number it logs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tiny_icdar import write_icdar
from tiny_words import recognition_yaml, write_words

from config.errors import UserError
from config.loader import load_config
from utils.engine.trainer import Trainer
from utils.train_job import train_job

MEASURED = ("images_per_s", "data_wait_percent", "peak_memory_gb")
NOT_THE_SAME = ("config", "provenance", "rng")
"""Holds the run's name; holds when it was made; is set anew for each iteration."""


@pytest.fixture
def detection(overrides):
    return "craft_tiny", "detection", [*overrides, "train.grad_clip=1.0"]


@pytest.fixture
def weak(overrides, tmp_path: Path):
    words = write_icdar(tmp_path / "words", 8, seed=5)
    start = [*overrides, "name=start", "train.end_iter=1", "train.validation=none"]
    begin = train_job(load_config("craft_tiny", start, "detection")).last
    dataset = f"{{format: icdar2015, root: {words}, images: images, labels: labels}}"
    section = f"{{datasets: [{dataset}], relabel_interval: 4, crop_height: 32, synth_ratio: 2}}"
    return "craft_tiny", "detection", [*overrides, f"train.weak={section}", f"train.ckpt_path={begin}"]


@pytest.fixture
def recognition(tmp_path: Path):
    train, test = write_words(tmp_path / "train", 40, seed=1), write_words(tmp_path / "test", 8, seed=2)
    yaml = recognition_yaml(tmp_path / "job.yaml", train, test)
    return str(yaml), "recognition", ["train.eval_interval=4", "model.dropout=0.3", "train.optimizer=adadelta"]


def tensors(tree, prefix: str = "") -> dict:
    """Return the leaves of a checkpoint by their place in it."""
    if isinstance(tree, dict):
        items = tree.items()
    elif isinstance(tree, (list, tuple)):
        items = enumerate(tree)
    else:
        return {prefix: tree}
    return {place: leaf for key, value in items for place, leaf in tensors(value, f"{prefix}/{key}").items()}


def everything(folder) -> tuple[dict, list[dict]]:
    content = torch.load(folder.last, weights_only=True)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return (
        tensors({key: value for key, value in content.items() if key not in NOT_THE_SAME}),
        [{name: value for name, value in line.items() if name not in MEASURED} for line in lines],
    )


class Signal:
    """Stands in for `StopRequest`: the signal arrives within the iteration that ends at `at`."""

    at = -1
    wanted = False

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        return None


@pytest.fixture
def stoppable(monkeypatch):
    """Return what says where the next run is stopped; and let the loss be scaled as for fp16, which a CPU has not."""
    original, scaler = Trainer._train_step, torch.amp.GradScaler
    signal = Signal()

    def step(self, *arguments):
        original(self, *arguments)
        signal.wanted = self.step == signal.at

    monkeypatch.setattr(Trainer, "_train_step", step)
    monkeypatch.setattr("utils.engine.trainer.StopRequest", lambda: signal)
    monkeypatch.setattr(
        "utils.engine.trainer.torch.amp.GradScaler",
        lambda device, enabled: scaler(device, enabled=True, growth_interval=2),
    )
    return signal


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("job", ["detection", "weak", "recognition"])
def test_two_halves_are_the_whole(job: str, workers: int, request, stoppable: Signal) -> None:
    yaml, task, overrides = request.getfixturevalue(job)
    more = ["train.end_iter=6", f"train.num_workers={workers}", "train.ema_decay=0.9"]

    def run(name: str, stop: int, resume: bool = False):
        stoppable.at, stoppable.wanted = stop, False
        return train_job(load_config(yaml, [*overrides, *more, f"name={name}"], task), resume=resume)

    whole = run("whole", -1)
    assert torch.load(run("halves", 3).last, weights_only=True)["step"] == 3
    (first, first_lines), (second, second_lines) = everything(whole), everything(run("halves", -1, resume=True))
    assert second_lines == first_lines
    assert {line["step"] for line in first_lines if line["split"] == "train"} == set(range(1, 7))
    assert first.keys() == second.keys()
    for part in ("/ema/", "/optimizer/state/"):
        assert len([place for place in first if place.startswith(part)]) > 10
    different = [
        place
        for place, value in first.items()
        if not (torch.equal(value, second[place]) if isinstance(value, torch.Tensor) else value == second[place])
    ]
    assert different == []
    assert first["/scaler/scale"] == 65536 * 2**3


def test_dropout_is_a_function_of_the_iteration(recognition, monkeypatch) -> None:
    """Whatever else draws random numbers in between."""
    yaml, task, overrides = recognition
    original = Trainer._train_step

    def disturbed(self, *arguments):
        torch.rand(7)
        return original(self, *arguments)

    plain = train_job(load_config(yaml, [*overrides, "name=plain", "train.end_iter=3"], task))
    other = train_job(load_config(yaml, [*overrides, "name=seed", "seed=5", "train.end_iter=3"], task))
    monkeypatch.setattr(Trainer, "_train_step", disturbed)
    harried = train_job(load_config(yaml, [*overrides, "name=harried", "train.end_iter=3"], task))
    assert everything(plain)[1] == everything(harried)[1] != everything(other)[1]


def test_a_damaged_newest_checkpoint_costs_the_iterations_since_the_one_before(detection, caplog) -> None:
    """A byte changes within a tensor of last.pth: said once, and the run goes on as if it had been killed earlier."""
    yaml, task, overrides = detection

    def run(*more: str, resume: bool = False):
        return train_job(load_config(yaml, [*overrides, "train.save_interval=1", *more], task), resume=resume)

    whole, broken = run("name=whole"), run("name=broken", "train.end_iter=5")
    content = bytearray(broken.last.read_bytes())
    content[len(content) // 2] ^= 4
    broken.last.write_bytes(content)
    with caplog.at_level("INFO"):
        run("name=broken", resume=True)
    warnings = [record.message for record in caplog.records if "last.pth" in record.message]
    assert (
        len(warnings) == 1 and "has changed since it was written; continuing from the older checkpoint" in warnings[0]
    )
    assert "resuming at iteration 4" in caplog.text
    (first, first_lines), (second, second_lines) = everything(whole), everything(broken)
    assert second_lines == first_lines
    assert all(torch.equal(first[place], second[place]) for place in first if place.startswith("/craft/"))
    broken.last.write_bytes(b"")
    assert torch.load(broken.previous(1), weights_only=True)["step"] == 5
    broken.previous(1).unlink()
    with pytest.raises(UserError, match=r"last\.pth cannot be loaded.* no older checkpoint"):
        run("name=broken", resume=True)


def test_a_resume_on_other_threads_is_warned_of(detection, monkeypatch, caplog) -> None:
    """They add in another order."""
    yaml, task, overrides = detection
    monkeypatch.setattr("torch.set_num_threads", lambda count: None)
    for threads, end in ((1, 1), (1, 2), (2, 3)):
        monkeypatch.setattr("torch.get_num_threads", lambda threads=threads: threads)
        caplog.clear()
        train_job(load_config(yaml, [*overrides, f"train.end_iter={end}"], task), resume=end > 1)
        warned = [record.message for record in caplog.records if "threads" in record.message]
        assert len(warned) == (end == 3)
    assert "in 1 threads so far and is in 2 now" in warned[0] and "train.cpu_threads=1" in warned[0]


def test_torch_computes_in_no_more_threads_than_a_container_may_use(detection, monkeypatch) -> None:
    yaml, task, overrides = detection
    asked: list[int] = []
    monkeypatch.setattr("torch.set_num_threads", asked.append)
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    for cores, more in ((64, []), (3, []), (3, ["train.cpu_threads=2"])):
        monkeypatch.setattr("utils.train_job.available_cores", lambda cores=cores: cores)
        train_job(load_config(yaml, [*overrides, "train.end_iter=1", *more], task), fresh=True)
    assert asked == [3, 2]
