"""Whole runs of the detector on a small dataset: what is written, and that a resumed run is the same run."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from tiny_synthtext import write_synthtext

from config.cli import one_line
from config.errors import UserError
from config.loader import load_config
from utils.tasks.detection import DetectionTask
from utils.train_job import train_job

ROOT = Path(__file__).resolve().parents[2]


def train(overrides, *extra, resume=False):
    config = load_config("craft_tiny", [*overrides, *extra], "detection")
    return train_job(config, resume=resume)


def lines(folder, split="train"):
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return [record for record in records if record["split"] == split]


def weights(path):
    return torch.load(path, weights_only=True)["craft"]


def test_a_run_leaves_what_the_contract_names(overrides):
    folder = train(overrides)
    checkpoint = torch.load(folder.last, weights_only=True)
    for key in ("format", "task", "config", "step", "craft", "optimizer", "scheduler", "scaler", "ema", "sampler"):
        assert key in checkpoint
    assert checkpoint["step"] == 6 and checkpoint["task"] == "detection"
    assert "basenet.slice1.0.weight" in checkpoint["craft"]
    origin = checkpoint["provenance"]
    assert set(origin) >= {"git_sha", "git_dirty", "packages", "data_fingerprint", "created"}
    assert origin["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert json.loads(folder.last.with_suffix(".json").read_text())["step"] == 6

    losses = lines(folder)
    assert [record["step"] for record in losses] == [1, 2, 3, 4, 5, 6]
    assert {"loss", "loss_region", "loss_affinity", "lr", "grad_norm", "images_per_s", "data_wait_percent"} <= set(
        losses[0]
    )
    assert losses[0]["loss"] == pytest.approx(losses[0]["loss_region"] + losses[0]["loss_affinity"], rel=1e-5)
    assert [record["step"] for record in lines(folder, "validation")] == [4, 6]
    assert folder.best.exists() and list(folder.tensorboard.glob("events*"))
    assert yaml.safe_load(folder.config.read_text())["train"]["end_iter"] == 6
    assert load_config(str(folder.config), [], "detection") == load_config("craft_tiny", overrides, "detection")


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("extra", [(), ("train.ema_decay=0.9", "train.loss=2", "train.grad_clip=1.0")])
def test_a_resumed_run_is_the_same_run(overrides, workers, extra):
    extra = (*extra, f"train.num_workers={workers}")
    whole = train(overrides, "name=whole", *extra)
    train(overrides, "name=halves", "train.end_iter=3", *extra)
    halves = train(overrides, "name=halves", *extra, resume=True)

    def seen(folder):
        return [(record["step"], record["loss"], record["lr"], record["grad_norm"]) for record in lines(folder)]

    assert seen(halves) == seen(whole)
    first, second = (torch.load(folder.last, weights_only=True) for folder in (whole, halves))
    for key in ("craft", "ema"):
        for name in first[key] or ():
            assert torch.equal(first[key][name], second[key][name]), name
    assert first["scores"] == second["scores"]


def test_the_number_of_workers_changes_nothing(overrides):
    runs = [train(overrides, f"name=w{workers}", f"train.num_workers={workers}") for workers in (0, 1, 2)]
    for run in runs[1:]:
        assert [record["loss"] for record in lines(run)] == [record["loss"] for record in lines(runs[0])]


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_compiled_step_trains_alike_and_leaves_evaluations_as_they_are(overrides, monkeypatch, average):
    translate, passes = torch.compile, []

    def backend(graph, _inputs):
        def run(*arguments):
            passes.append(torch.is_grad_enabled())
            return graph(*arguments)

        return run

    extra = ["train.end_iter=2", "train.eval_interval=1", f"train.ema_decay={average}"]
    plain = train(overrides, "name=plain", *extra)
    monkeypatch.setattr(torch, "compile", lambda model: translate(model, backend=backend))
    compiled = train(overrides, "name=compiled", "train.compile=true", *extra)
    assert passes and all(passes), "only training passes are compiled"
    assert [record["loss"] for record in lines(compiled)] == [record["loss"] for record in lines(plain)]
    assert list(weights(compiled.last)) == list(weights(plain.last))


def test_convolutions_are_tried_while_training_alone(overrides, monkeypatch):
    seen = set()
    real = torch.nn.functional.conv2d

    def conv2d(*arguments, **options):
        seen.add((torch.is_grad_enabled(), torch.backends.cudnn.benchmark))
        return real(*arguments, **options)

    def layer(self, x):
        return conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    monkeypatch.setattr(torch.nn.Conv2d, "forward", layer)
    train(overrides, "train.end_iter=1")
    assert seen == {(True, True), (False, False)}


@pytest.mark.parametrize("amp", ["off", "bf16"])
@pytest.mark.parametrize("loss", [2, 3])
def test_both_losses_train_with_and_without_mixed_precision(overrides, amp, loss):
    folder = train(overrides, f"amp={amp}", f"train.loss={loss}", "train.end_iter=2")
    assert all(math.isfinite(record["loss"]) for record in lines(folder))


@pytest.mark.parametrize(
    "version", ["random_resize_crop_synth", "random_resize_crop", "random_crop", "random_crop_with_bbox"]
)
def test_every_augmentation_trains(overrides, version):
    augment = "train.data.augment"
    folder = train(
        overrides,
        f"{augment}.random_scale.option=true",
        f"{augment}.random_rotate.option=true",
        f"{augment}.random_crop.version={version}",
        f"{augment}.random_horizontal_flip.option=true",
        "train.end_iter=2",
    )
    assert len(lines(folder)) == 2


def test_the_network_learns(overrides):
    """A tenth of the first loss within 60 iterations on nine images: the whole path from file to gradient works."""
    folder = train(overrides, "train.end_iter=60", "train.eval_interval=60", "train.lr=3e-3", "train.n_min_neg=200")
    losses = [record["loss"] for record in lines(folder)]
    assert sum(losses[-5:]) / 5 < 0.4 * sum(losses[:5]) / 5


def test_samples_can_be_limited(overrides):
    config = load_config("craft_tiny", [*overrides, "train.datasets.0.samples=4"], "detection")
    assert len(DetectionTask(config, torch.device("cpu"), "off").dataset.reader) == 4


def test_unreadable_images_are_replaced_and_counted(overrides, scenes, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    (broken / "8" / "scene_3.jpg").write_bytes(b"no image")
    folder = train(overrides, f"train.datasets.0.root={broken}", "train.end_iter=9")
    assert lines(folder)[-1]["unreadable"] > 0


@pytest.mark.parametrize("workers", [0, 1])
def test_no_readable_image_at_all_is_one_sentence(overrides, scenes, tmp_path, workers):
    empty = tmp_path / "empty"
    shutil.copytree(scenes, empty)
    for image in (empty / "8").iterdir():
        image.write_bytes(b"")
    with pytest.raises(UserError, match="in a row cannot be read") as fault:
        train(overrides, f"train.datasets.0.root={empty}", f"train.num_workers={workers}")
    assert one_line(fault.value).startswith("20 images in a row cannot be read")


def spoil(monkeypatch, after, how):
    """Let the losses of all iterations after the given number of them be changed by `how`."""
    original = DetectionTask.loss
    calls = iter(range(1000))

    def spoilt(self, model, batch):
        losses = original(self, model, batch)
        return how(losses) if next(calls) >= after else losses

    monkeypatch.setattr(DetectionTask, "loss", spoilt)


def not_a_number(losses):
    return {**losses, "loss": losses["loss"] * float("nan")}


def finite_with_a_bad_gradient(losses):
    """The gradient of sqrt at 0 is infinite, and 0 times that is NaN; the value stays what it was."""
    return {**losses, "loss": losses["loss"] + (losses["loss"] * 0).sqrt() * 0}


@pytest.mark.parametrize("how", [not_a_number, finite_with_a_bad_gradient])
def test_spoilt_steps_change_nothing_and_too_many_of_them_stop_the_run(overrides, monkeypatch, how):
    good = weights(train(overrides, "name=good", "train.end_iter=3").last)
    spoil(monkeypatch, after=3, how=how)
    settings = ("train.save_interval=1", "train.log_interval=50", "train.max_nonfinite=3")
    with pytest.raises(UserError, match=r"not a finite number at iteration 6, nor .* the 2 before.*last\.pth holds"):
        train(overrides, *settings)
    path = Path(load_config("craft_tiny", overrides, "detection").results_dir) / "run" / "checkpoints" / "last.pth"
    assert all(torch.equal(value, good[name]) for name, value in weights(path).items())
    assert torch.load(path, weights_only=True)["step"] == 5
    dump = torch.load(path.parents[1] / "bad_batches" / "step_4.pth", weights_only=True)
    assert dump["step"] == 4 and dump["positions"] == [6, 7] and len(dump["sample_ids"]) == 2
    assert dump["batches"][0]["image"].shape == (2, 64, 64, 3) and not dump["left_out"]


def test_no_checkpoint_is_named_that_does_not_exist(overrides, monkeypatch):
    spoil(monkeypatch, after=0, how=not_a_number)
    with pytest.raises(UserError, match="nothing was saved yet"):
        train(overrides, "train.max_nonfinite=1")


def test_an_evaluation_that_fails_does_not_cost_the_run(overrides, monkeypatch):
    """The state is saved before, the evaluation is still owed, and a resumed run makes up for it."""
    whole = train(overrides, "name=whole")
    original = DetectionTask.evaluate

    def fail(self, model):
        raise RuntimeError("no memory for this canvas")

    monkeypatch.setattr(DetectionTask, "evaluate", fail)
    with pytest.raises(RuntimeError, match="canvas"):
        train(overrides)
    monkeypatch.setattr(DetectionTask, "evaluate", original)
    folder = train(overrides, resume=True)
    assert lines(folder, "validation") == lines(whole, "validation")


class StopAfter:
    """Stands in for a signal that comes after a number of iterations."""

    def __init__(self, iterations):
        self._left = iterations

    def __enter__(self):
        return self

    def __exit__(self, *fault):
        return None

    @property
    def wanted(self):
        self._left -= 1
        return self._left <= 0


def test_a_run_stopped_between_two_log_lines_logs_and_evaluates_the_same(overrides, monkeypatch):
    """Stopped at 3 (between log lines) and at 4 (where an evaluation is due): nothing is lost or said twice."""
    extra = ("train.log_interval=2", "train.ema_decay=0.5")
    whole = train(overrides, "name=whole", *extra)
    with monkeypatch.context() as patch:
        patch.setattr("utils.engine.trainer.StopRequest", lambda: StopAfter(3))
        train(overrides, *extra)
        patch.setattr("utils.engine.trainer.StopRequest", lambda: StopAfter(1))
        folder = train(overrides, *extra, resume=True)
        assert lines(folder, "validation") == []
    folder = train(overrides, *extra, resume=True)

    def losses(run):
        return [(record["step"], record["loss"], record["grad_norm"]) for record in lines(run)]

    assert losses(folder) == losses(whole) and [step for step, *_ in losses(whole)] == [2, 4, 6]
    assert lines(folder, "validation") == lines(whole, "validation")


def test_other_data_of_the_same_place_is_not_resumed(overrides, tmp_path, scenes):
    data = tmp_path / "data"
    shutil.copytree(scenes, data)
    train(overrides, f"train.datasets.0.root={data}", "train.end_iter=1")
    moved = tmp_path / "moved"
    shutil.copytree(data, moved)
    train(overrides, f"train.datasets.0.root={moved}", "train.end_iter=2", resume=True)
    shutil.rmtree(data)
    write_synthtext(data, count=5, seed=9)
    with pytest.raises(UserError, match="training data is not what"):
        train(overrides, f"train.datasets.0.root={data}", resume=True)


def test_a_resumed_run_does_not_need_its_starting_weights(overrides, tmp_path):
    first = train(overrides, "name=first", "train.end_iter=1")
    start = tmp_path / "start.pth"
    shutil.copy(first.last, start)
    train(overrides, f"train.ckpt_path={start}", "train.end_iter=1")
    start.unlink()
    train(overrides, f"train.ckpt_path={start}", "train.end_iter=2", resume=True)


def test_validation_can_be_switched_off_and_its_missing_data_says_how(overrides):
    with pytest.raises(UserError, match=r"test\.validation: .*train\.validation=none"):
        train(overrides, "test.validation.dataset.root=/nonexistent")
    folder = train(overrides, "test.validation.dataset.root=/nonexistent", "train.validation=none", "train.end_iter=1")
    assert folder.last.exists() and not folder.best.exists()


def test_too_many_unreadable_images_stop_the_run_after_a_save(overrides, scenes, tmp_path, monkeypatch):
    monkeypatch.setattr("utils.engine.unreadable.JUDGED_FROM", 6)
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    for number in range(4):
        (broken / "8" / f"scene_{number}.jpg").unlink()
    with pytest.raises(UserError, match=r"samples could not be read .* train\.max_unreadable"):
        train(overrides, f"train.datasets.0.root={broken}", "train.end_iter=20")
    assert next(iter((Path(tmp_path) / "exp").rglob("last.pth"))).exists()


def test_loader_processes_may_be_spawned(overrides):
    """macOS and Windows start them so: the dataset must pickle, and gives the same samples."""
    config = load_config("craft_tiny", overrides, "detection")
    task = DetectionTask(config, torch.device("cpu"), "off")
    spawned = torch.utils.data.DataLoader(
        task.dataset, batch_sampler=[[3, 4]], collate_fn=task.collate, num_workers=1, multiprocessing_context="spawn"
    )
    batch, expected = next(iter(spawned)), task.collate([task.dataset[3], task.dataset[4]])
    for name in ("image", "region", "affinity", "mask"):
        assert torch.equal(batch[name], expected[name])


def test_starting_weights_come_from_a_checkpoint_of_a_run(overrides):
    first = train(overrides, "train.end_iter=1")
    config = load_config("craft_tiny", [*overrides, f"train.ckpt_path={first.last}"], "detection")
    task = DetectionTask(config, torch.device("cpu"), "off")
    for name, value in weights(first.last).items():
        assert torch.equal(task.model.state_dict()[name], value)


def test_changed_settings_are_not_resumed(overrides):
    train(overrides, "train.end_iter=1")
    with pytest.raises(UserError, match=r"train\.lr was"):
        train(overrides, "train.lr=0.5", resume=True)


def test_weights_are_not_taken_for_a_run(overrides):
    folder = train(overrides, "train.end_iter=1")
    torch.save({"craft": weights(folder.last)}, folder.last)
    with pytest.raises(UserError, match="holds no run to resume"):
        train(overrides, resume=True)


@pytest.mark.parametrize(("workers", "everyone"), [(0, False), (2, True)])
def test_a_run_asked_to_stop_saves_and_can_go_on(overrides, workers, everyone):
    """SIGTERM, to one process or, as clusters do, to all: the state is saved, the exit code is 0, --resume goes on."""
    overrides = [*overrides, f"train.num_workers={workers}"]
    command = [sys.executable, "trainSynth.py", "--yaml", "craft_tiny", *overrides, "train.end_iter=400"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    metrics = Path(load_config("craft_tiny", overrides, "detection").results_dir) / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (metrics.exists() and metrics.read_text().count("\n") >= 3):
        time.sleep(0.05)
    (os.killpg if everyone else os.kill)(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    step = torch.load(metrics.parent / "checkpoints" / "last.pth", weights_only=True)["step"]
    assert 3 <= step < 400 and f"stopped at iteration {step}" in errors
    folder = train(overrides, f"train.end_iter={step + 2}", resume=True)
    assert [record["step"] for record in lines(folder)] == list(range(1, step + 3))
