"""The learning-rate range test (Smith, "Cyclical learning rates for training neural networks", WACV 2017).

In a short run, the learning rate grows exponentially from a value that is too low to a value at which training
diverges. The network learns fastest where the loss falls most steeply; beyond the minimum of the loss, the rate is too
high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from config.errors import UserError
from config.schema.training import Training
from data.io.progress import progress_bar
from data.order import StreamBatchSampler
from utils.device import Amp
from utils.distributed.processes import ALONE
from utils.distributed.replicas import Replicas
from utils.engine.batches import batches
from utils.engine.gradient import accumulate_gradient
from utils.engine.optimizer import descend, make_optimizer
from utils.engine.task import Task

BOUNDS = {"adam": (1e-7, 10.0), "adamw": (1e-7, 10.0), "adadelta": (1e-4, 1000.0)}
"""Minimum and maximum rate of the test for each optimiser."""

LEAST_ITERATIONS = 20
_WORSE = 4.0
"""The run ends once the running mean of the loss exceeds its minimum by this factor."""
_MEMORY = 0.8
"""Decay of this running mean, so that a single difficult batch does not end the run."""
_BLUR = 0.03
"""Standard deviation of the smoothing, as a share of the range of rates on the logarithmic axis."""


@dataclass(frozen=True)
class RangeTest:
    """The outcome of a range test.

    Attributes:
        rates, losses: float [N], of each iteration that was run.
        smoothed: float [N], the smoothed losses.
        steepest: the rate at which the loss falls most steeply; None if it does not fall.
        tenth: a tenth of the rate with the minimum loss; None if the loss does not fall.
        ended: why the run ended before the highest rate, or "".
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: float | None
    tenth: float | None
    ended: str = ""


def range_test(task: Task, settings: Training, device: torch.device, amp: Amp, iterations: int = 100) -> RangeTest:
    """Run the test from the initial weights of a task. It changes them; nothing is written.

    Args:
        task: the task, created for this test only.
        settings: the `train` section; its schedule and its learning rate are not used.
        device, amp: where the model is, and the precision there.
        iterations: steps from the minimum to the maximum rate.

    Raises:
        UserError: there are too few iterations, or the first losses are not finite.
    """
    if iterations < LEAST_ITERATIONS:
        raise UserError(f"--find-lr-iterations {iterations}: give {LEAST_ITERATIONS} or more")
    wanted = np.geomspace(*BOUNDS[settings.optimizer], iterations)
    optimizer = make_optimizer(task.model.parameters(), settings)
    scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
    losses: list[float] = []
    ended, mean, least = "", 0.0, math.inf
    task.model.train()
    replicas = Replicas(task.model, ALONE)
    sampler = StreamBatchSampler(task.samples_per_step, 0, iterations, accumulate=settings.accumulate)
    with closing(batches(task, settings, sampler, device)) as stream:
        for micro, _ in progress_bar(stream, iterations, "learning rates", unit="it"):
            rate = float(wanted[len(losses)])
            for group in optimizer.param_groups:
                group["lr"] = rate
            value = float(accumulate_gradient(task, replicas, sampler, micro, scaler, amp)["loss"])
            if not math.isfinite(value):
                ended = f"the loss is not finite at {rate:.2g}"
                break
            descend(task.model, optimizer, scaler, settings.grad_clip)
            losses.append(value)
            mean = _MEMORY * mean + (1 - _MEMORY) * value
            running = mean / (1 - _MEMORY ** len(losses))
            least = min(least, running)
            if running > _WORSE * least:
                ended = f"the loss is {_WORSE:g} times its minimum at {rate:.2g}"
                break
    if len(losses) < 2:
        raise UserError("--find-lr: the loss is not a finite number from the start; look at the data and at ckpt_path")
    return judged(wanted[: len(losses)], losses, iterations, ended)


def judged(rates: np.ndarray, losses: Sequence[float], iterations: int, ended: str = "") -> RangeTest:
    """Return the suggested rates for the measured losses.

    The losses are smoothed symmetrically: a running mean would lag behind and suggest rates that are too high.

    Args:
        rates: float [N], growing by a constant factor.
        losses: the loss at each rate.
        iterations: number of iterations in the whole range, N or more.
        ended: as in `RangeTest`.
    """
    values = np.asarray(losses, np.float64)
    smoothed = _smoothed(values, max(1.0, _BLUR * iterations))
    bottom = int(np.argmin(smoothed))
    steepest = tenth = None
    if bottom >= 2:
        slopes = np.gradient(smoothed, np.log10(rates))[:bottom]
        if slopes.min() < 0:
            steepest, tenth = float(rates[int(np.argmin(slopes))]), float(rates[bottom]) / 10
    return RangeTest(np.asarray(rates), values, smoothed, steepest, tenth, ended)


def described(result: RangeTest, settings: Training) -> str:
    """Return the outcome as lines of text."""
    low, high = result.rates[0], BOUNDS[settings.optimizer][1]
    lines = [f"{settings.optimizer}, {len(result.rates)} iterations, rates from {low:g} up to {result.rates[-1]:.3g}"]
    if result.ended:
        lines[0] += f" (of {high:g}: {result.ended})"
    if result.steepest is None or result.tenth is None:
        lines.append(
            "the loss does not fall at any rate; use more iterations (--find-lr-iterations), or check the data"
        )
    else:
        lines.append(f"the loss falls most steeply at                {result.steepest:.2g}")
        lines.append(f"a tenth of the rate with the minimum loss      {result.tenth:.2g}")
        lines.append("either is a good start; use the lower one if there is no warm-up")
    lines.append(f"train.lr is                                   {settings.lr:g}")
    return "\n".join(lines)


def _smoothed(values: np.ndarray, deviation: float) -> np.ndarray:
    """Return the means with Gaussian weights; at the ends, the weights are truncated."""
    distance = np.subtract.outer(np.arange(len(values)), np.arange(len(values)))
    weights: Any = np.exp(-0.5 * (distance / deviation) ** 2)
    return (weights * values).sum(1) / weights.sum(1)
