"""The range test on losses whose steepest descent and minimum are known, and on real jobs."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from tiny_words import recognition_yaml, write_words

import check
from config.errors import UserError
from config.loader import load_config
from config.schema.training import Training
from utils.check.find_rate import find_rate
from utils.check.lr_chart import draw_range_test
from utils.check.lr_range_test import BOUNDS, described, judged, range_test
from utils.engine.task import Evaluation


def valley(rates: np.ndarray, steepest: float, bottom: float) -> np.ndarray:
    """A loss that falls as a logistic function about `steepest`, and rises as a parabola from `bottom` on."""
    exponents = np.log10(rates)
    fall = 10 / (1 + np.exp(6 * (exponents - math.log10(steepest))))
    return fall + np.maximum(0, exponents - math.log10(bottom)) ** 2 * 8 + 1


@pytest.mark.parametrize(("steepest", "bottom"), [(1e-3, 1e-1), (3e-5, 1e-2)])
def test_suggestions_of_a_known_curve(steepest: float, bottom: float) -> None:
    rates = np.geomspace(1e-7, 10, 200)
    losses = valley(rates, steepest, bottom)
    result = judged(rates, losses, 200)
    assert result.steepest == pytest.approx(steepest, rel=0.05)
    assert result.tenth is not None
    assert 0.15 * bottom < 10 * result.tenth < 1.1 * bottom  # smoothing takes from the steep side
    noisy = judged(rates, losses + np.random.default_rng(0).normal(0, 0.2, 200), 200)
    assert noisy.steepest == pytest.approx(steepest, rel=0.35)
    assert noisy.tenth is not None
    assert np.interp(10 * noisy.tenth, rates, losses) < losses.min() + 0.1


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    rates = np.geomspace(1e-7, 10, 50)
    result = judged(rates, 1 + rates, 50)
    assert result.steepest is None and result.tenth is None
    assert "does not fall at any rate" in described(result, Training())
    assert draw_range_test(result, "flat", 1e-3).shape == (620, 1120, 3)


class Lines:
    """A task that fits one number: the loss is (w - 0.1)^2, and no number from a given call on."""

    samples_per_step = 1
    weights_key = "model"
    data_fingerprint = ""
    judges_start = False
    preprocess = None

    def __init__(self, broken: int | None = None) -> None:
        self.model = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.model.weight)
        self.dataset = range(10_000)
        self.collate = lambda samples: {"x": torch.ones(len(samples), 1), "unreadable": []}
        self.calls, self._broken = 0, broken

    def loss(self, model, batch):
        self.calls += 1
        loss = (model(batch["x"]) - 0.1).square().mean()
        return {"loss": loss * math.nan if self.calls == self._broken else loss}

    def evaluate(self, model) -> Evaluation:
        raise AssertionError("nothing is to be evaluated")


def settings(**values) -> Training:
    return Training(num_workers=0, weight_decay=0, **values)


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_a_run_stops_where_the_loss_explodes(optimizer: str) -> None:
    """Adam moves the number by the rate: small ones take it from 0 to 0.1, large ones far beyond."""
    task = Lines()
    result = range_test(task, settings(optimizer=optimizer), torch.device("cpu"), "off", 100)
    assert result.ended.startswith("the loss is 4 times its minimum")
    assert task.calls == len(result.rates) < 100
    np.testing.assert_allclose(result.rates, np.geomspace(*BOUNDS[optimizer], 100)[: len(result.rates)])
    assert result.losses[0] == pytest.approx(0.01)
    assert result.steepest is not None and 1e-3 < result.steepest < 0.1


def test_a_loss_that_is_no_number_ends_the_run() -> None:
    result = range_test(Lines(broken=31), settings(), torch.device("cpu"), "off", 100)
    assert len(result.losses) == 30 and "not finite" in result.ended
    with pytest.raises(UserError, match="not a finite number from the start"):
        range_test(Lines(broken=1), settings(), torch.device("cpu"), "off", 100)
    with pytest.raises(UserError, match="give 20 or more"):
        range_test(Lines(), settings(), torch.device("cpu"), "off", 3)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    train = write_words(tmp_path / "train", 30, seed=1)
    return recognition_yaml(tmp_path / "job.yaml", train, tmp_path / "nothing")


def test_a_recogniser(job: Path, tmp_path: Path, capsys) -> None:
    """The test data is not even there, and nothing but the chart is written."""
    check.main(["--yaml", str(job), "--find-lr", str(tmp_path / "lr.png"), "--find-lr-iterations", "40"])
    said = capsys.readouterr().out
    assert "falls most steeply at" in said and "train.lr is" in said and "0.005" in said
    assert cv2.imread(str(tmp_path / "lr.png")).shape == (620, 1120, 3)
    assert not (tmp_path / "exp").exists()


def test_a_detector(overrides, tmp_path: Path) -> None:
    config = load_config("craft_tiny", overrides, "detection")
    assert "adam" in find_rate(config, tmp_path / "lr.png", 20)
    assert (tmp_path / "lr.png").stat().st_size > 1000
    assert not (tmp_path / "exp").exists()


def test_options_that_do_not_go_together(job: Path) -> None:
    for arguments, sentence in (
        (["--find-lr", "a.png", "--deep"], "--find-lr cannot be combined with --deep"),
        (["--find-lr", "a.png", "--pseudo-labels", "b.png"], "--find-lr cannot be combined with --pseudo-labels"),
        (["--find-lr-iterations", "50"], "goes with --find-lr"),
        (["--find-lr", "a.gif"], "name a .png"),
        (["--pseudo-labels", "b.png"], "is for detectors"),
    ):
        with pytest.raises(UserError, match=sentence):
            check.main(["--yaml", str(job), *arguments])
