from __future__ import annotations

from pathlib import Path

import pytest
import torch
from check_sources import opened
from tiny_words import recognition_yaml, write_words

from config.loader import load_config
from utils.check import timing
from utils.check.cost import report_cost
from utils.check.report import Report
from utils.check.timing import StepTimer, _doubling, _through, prepare_samples
from utils.engine.task import Task
from utils.tasks.registry import task_class


def task_of(config) -> Task:
    return task_class(config)(config, torch.device("cpu"), "off", initial_weights=False)


def test_ladder() -> None:
    assert _doubling(64, 768) == [64, 128, 256, 512, 768]
    assert _doubling(64, 64) == [64]
    assert _doubling(1, 1) == [1]
    assert _through([(10, 3.0), (20, 5.0)]) == (1.0, 0.2)
    assert _through([(10, 3.0)]) == (0.0, 0.3)
    assert _through([(10, 1.0), (20, 5.0)]) == (0.0, 0.25)  # an offset below 0 is noise


@pytest.mark.parametrize(
    ("settings", "passes"),
    [
        (["train.weak.relabel_interval=3"], 34),  # 100 iterations
        (["train.eval_interval=10"], 10),  # without an interval, labels are renewed at evaluations
        (["train.eval_interval=200"], 1),
    ],
)
def test_cost_of_words(tmp_path: Path, settings: list[str], passes: int) -> None:
    opened(tmp_path)
    config = load_config(str(tmp_path / "job.yaml"), settings, "detection")
    said: list[str] = []
    report = Report(said.append)
    report_cost(report, task_of(config), config)
    figures = report.figures["cost"]
    assert report.problems == []
    assert figures["measured_with"] == {"batch": 2, "side": 64, "extrapolated": False}
    assert figures["network_images_per_s"] == pytest.approx(2 / figures["step_s"])
    slower = max(figures["step_s"], 2 / figures["data_images_per_s_one_worker"])
    assert figures["labelling_passes"] == passes
    assert figures["labelling_pass_s"] > 0
    assert figures["hours"] == pytest.approx((100 * slower + passes * figures["labelling_pass_s"]) / 3600)
    assert "labelling" in said[0]
    assert "Cost of an iteration" in said[0]


def test_words_and_characters_share_the_batch(scenes, tmp_path: Path) -> None:
    """Two word images and, of a ratio of 2, one with characters make up an iteration."""
    config, _ = opened(tmp_path)
    text = (tmp_path / "job.yaml").read_text(encoding="utf-8")
    text = text.replace("use_synthtext: false", "synth_ratio: 2").replace(
        "train:\n", f"train:\n  datasets:\n    - {{format: synthtext, root: {scenes}}}\n", 1
    )
    (tmp_path / "job.yaml").write_text(text, encoding="utf-8")
    config = load_config(str(tmp_path / "job.yaml"), [], "detection")
    task = task_of(config)
    assert task.samples_per_step == 3
    _, groups = prepare_samples(task)
    assert [sample["region"].any() for group in groups[:2] for sample in group] == [False, False, True] * 2


def timer(config) -> StepTimer:
    return StepTimer(task_of(config), config.train)


def test_batch_that_does_not_fit_is_halved(tmp_path: Path, monkeypatch) -> None:
    config, _ = opened(tmp_path)
    _, kept = prepare_samples(task_of(config))
    assert len(kept[0]) == 2
    one = timer(config)
    monkeypatch.setattr(one, "_affordable", lambda samples, batch, side: (batch, side, 0.0))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def step(samples, batch, side, steps):
        if batch > 4:
            raise torch.OutOfMemoryError
        return 0.5

    monkeypatch.setattr(one, "_seconds", step)
    found = one.measure(kept, 16)
    assert (found.batch, found.configured, found.too_large, found.measured) == (4, 16, True, False)
    assert found.seconds == 2.0

    monkeypatch.setattr(one, "_seconds", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    assert one.measure(kept, 16).batch == 0


def test_extrapolation_is_exact_for_a_linear_cost(tmp_path: Path, monkeypatch) -> None:
    """0.3 s for the optimiser and 20 s a megapixel: far beyond the budget at 16 images of 512 pixels."""
    config, _ = opened(tmp_path)
    one = timer(config)
    monkeypatch.setattr(one, "_seconds", lambda samples, batch, side, steps: 0.3 + 20e-6 * batch * side**2)
    side = one._task.side = 512
    found = one.measure([[{"image": torch.zeros(side, side, 3)}]], 16)
    assert not found.measured
    assert (found.batch, found.side) == (1, 256)
    assert found.seconds == pytest.approx(0.3 + 20e-6 * 16 * side**2)


def test_smaller_images_for_the_trial(tmp_path: Path) -> None:
    config, _ = opened(tmp_path)
    task, shapes = task_of(config), []
    _, kept = prepare_samples(task)
    task.loss = lambda model, batch: shapes.append(batch["image"].shape) or type(task).loss(task, model, batch)
    assert StepTimer(task, config.train)._seconds(kept, 2, 32, 1) > 0
    assert shapes == [(2, 32, 32, 3)] * 2


def test_the_optimiser_and_the_step_are_those_of_the_run(tmp_path: Path, monkeypatch) -> None:
    """Adadelta, a clipped gradient, and the loss of two micro-batches."""
    words = write_words(tmp_path / "words", 8, seed=1)
    job = recognition_yaml(tmp_path / "job.yaml", words, words)
    settings = ["train.optimizer=adadelta", "train.grad_clip=0.25", "train.batch_size=3", "train.accumulate=2"]
    config = load_config(str(job), settings, "recognition")
    task, sizes, clips = task_of(config), [], []
    real = timing.descend
    monkeypatch.setattr(
        timing,
        "descend",
        lambda model, optimizer, scaler, clip: clips.append(clip) or real(model, optimizer, scaler, clip),
    )
    task.loss = lambda model, batch: sizes.append(len(batch["image"])) or type(task).loss(task, model, batch)
    one = StepTimer(task, config.train)
    assert isinstance(one._optimizer, torch.optim.Adadelta)
    _, groups = prepare_samples(task)
    assert one._seconds(groups, task.samples_per_step, 1, 1) > 0
    assert clips == [0.25] * 2 and sizes == [3] * 4
