"""The time of an iteration, measured with real steps of the task on real batches on the configured device."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch import Tensor

from config.schema.training import Training
from data.order import StreamBatchSampler
from utils.device import is_out_of_memory, peak_memory_bytes
from utils.distributed.processes import ALONE
from utils.distributed.replicas import Replicas
from utils.engine.gradient import accumulate_gradient
from utils.engine.optimizer import descend, make_optimizer
from utils.engine.task import Task

Sample = dict[str, Any]

_BATCHES, _SAMPLES = 8, 16
"""Number of batches of the run that are measured, because their widths may differ, and samples of each."""
_DATA_SECONDS, _BUDGET = 5.0, 20.0
_WARM_UP, _STEPS = 1, 3
_TRIAL_SIDE = 64


@dataclass(frozen=True)
class StepTime:
    """The measured time of a step.

    Attributes:
        seconds: of a step with all samples of an iteration at full size; an estimate unless `measured`.
        batch, side: size of the steps that were run; `side` is None if inputs differ in width.
        configured: samples of an iteration.
        measured: whether the steps that were run had the configured size.
        peak_bytes: peak memory of the device, else of the process.
        too_large: whether the configured batch does not fit into the device's memory.
    """

    seconds: float
    batch: int
    side: int | None
    configured: int
    measured: bool
    peak_bytes: int
    too_large: bool = False


def prepare_samples(task: Task) -> tuple[float, list[list[Sample]]]:
    """Prepare samples in one thread, as one loader process does.

    Returns:
        Mean seconds of a sample, and some samples of each of a few batches of the run.
    """
    window, size = task.window or _BATCHES, task.samples_per_step
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    groups, seconds, begun = [], [], time.perf_counter()
    try:
        task.dataset[0]  # Opens files, and sorts the window.
        for batch in range(_BATCHES):
            first, chosen = batch * window // _BATCHES * size, min(size, _SAMPLES)
            group = []
            for position in range(chosen):
                started = time.perf_counter()
                group.append(task.dataset[first + position * size // chosen])
                seconds.append(time.perf_counter() - started)
            groups.append(group)
            if time.perf_counter() - begun > _DATA_SECONDS:
                break
    finally:
        cv2.setNumThreads(threads)
    # The mean, not the median, because slow samples are part of the cost.
    return statistics.mean(seconds), groups


class StepTimer:
    """Runs training steps of a task, which change its weights.

    Args:
        task: the task, created for this measurement only.
        settings: the `train` section.
    """

    def __init__(self, task: Task, settings: Training) -> None:
        self._task, self._settings = task, settings
        self._replicas = Replicas(task.model.train(), ALONE)
        self._optimizer = make_optimizer(task.model.parameters(), settings)
        self._scaler = torch.amp.GradScaler(task.device.type, enabled=task.amp == "fp16")

    def measure(self, groups: Sequence[list[Sample]], batch_size: int) -> StepTime:
        """Measure steps of `batch_size` samples; the samples of a group are repeated to fill a batch.

        If the device is out of memory, the batch is halved until it fits. If a step would take too long for a check (a
        full-size network on a CPU), fewer samples and then smaller images are run, and the time is extrapolated in
        proportion to the number of pixels.
        """
        device, side = self._task.device, self._task.side or 1
        batch, size, fixed = batch_size, side, 0.0
        if device.type == "cpu":
            batch, size, fixed = self._affordable(groups, batch_size, side)
        too_large = False
        while True:
            try:
                seconds = self._seconds(groups, batch, size, max(_STEPS, len(groups)))
                break
            except RuntimeError as fault:
                if not is_out_of_memory(fault):
                    raise
                too_large = True
            # Outside the handler, because the exception keeps references to the tensors computed so far.
            self._optimizer.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
            if batch == 1:
                return StepTime(float("nan"), 0, self._task.side, batch_size, False, 0, True)
            batch //= 2
        fixed = min(fixed, seconds)
        whole = fixed + (seconds - fixed) * (batch_size * side**2) / (batch * size**2)
        measured = (batch, size) == (batch_size, side)
        shown = size if self._task.side is not None else None
        return StepTime(whole, batch, shown, batch_size, measured, peak_memory_bytes(device), too_large)

    def _affordable(self, groups: Sequence[list[Sample]], batch_size: int, side: int) -> tuple[int, int, float]:
        """Increase the size of the steps towards the configured one as long as the time budget allows.

        Returns:
            Batch size and image side to measure with, and the seconds of a step that depend on neither (mainly those of
            the optimiser).
        """
        rungs = [(1, size) for size in _doubling(_TRIAL_SIDE, side)]
        rungs += [(batch, side) for batch in _doubling(1, batch_size)[1:]]
        line: list[tuple[int, float]] = []
        reached = rungs[0]
        for batch, size in rungs:
            pixels = batch * size**2
            if line:
                fixed, slope = _through(line)
                if (fixed + slope * pixels) * (_WARM_UP + _STEPS) > _BUDGET:
                    break
            line.append((pixels, self._seconds(groups, batch, size, 1)))
            reached = (batch, size)
        return *reached, _through(line)[0]

    def _seconds(self, groups: Sequence[list[Sample]], batch_size: int, side: int, steps: int) -> float:
        """Return the mean seconds of up to `steps` steps, as many as the budget allows; the groups alternate."""
        device = self._task.device
        seconds: list[float] = []
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        begun = time.perf_counter()
        for turn in range(_WARM_UP + steps):
            micro, sampler = self._batches(groups[max(0, turn - _WARM_UP) % len(groups)], batch_size, side)
            started = time.perf_counter()
            self._step(micro, sampler)
            taken = time.perf_counter() - started
            if turn >= _WARM_UP:
                seconds.append(taken)
            if seconds and time.perf_counter() - begun + taken > _BUDGET:
                break
        return statistics.mean(seconds)

    def _batches(self, group: list[Sample], batch_size: int, side: int) -> tuple[list[Sample], StreamBatchSampler]:
        parts = min(self._settings.accumulate, batch_size)
        sampler = StreamBatchSampler(batch_size, 0, 1, accumulate=parts)
        micro = [
            self._task.collate([group[position % len(group)] for position in positions])
            for positions in sampler.positions(0)
        ]
        if self._task.side is not None and side < self._task.side:
            micro = [_cropped(batch, side) for batch in micro]
        return micro, sampler

    def _step(self, micro: list[Sample], sampler: StreamBatchSampler) -> None:
        task = self._task
        there = [
            {name: value.to(task.device) if isinstance(value, Tensor) else value for name, value in batch.items()}
            for batch in micro
        ]
        accumulate_gradient(task, self._replicas, sampler, there, self._scaler, task.amp)
        descend(task.model, self._optimizer, self._scaler, self._settings.grad_clip).item()
        if task.device.type == "cuda":
            torch.cuda.synchronize(task.device)


def _cropped(batch: Sample, side: int) -> Sample:
    """Crop images and maps [B, H, W, ...] to an image side of `side` pixels."""
    whole = batch["image"].shape[1]
    return {
        name: value[:, : side * value.shape[1] // whole, : side * value.shape[2] // whole]
        if isinstance(value, Tensor) and value.ndim > 2
        else value
        for name, value in batch.items()
    }


def _doubling(first: int, last: int) -> list[int]:
    """Return `first`, 2 * `first`, 4 * `first` and so on below `last`, and finally `last`."""
    values = []
    while first < last:
        values.append(first)
        first *= 2
    return [*values, last]


def _through(line: list[tuple[int, float]]) -> tuple[float, float]:
    """Return offset and slope, both at least 0, of the line through the last two points (pixels, seconds)."""
    pixels, seconds = line[-1]
    if len(line) < 2:
        return 0.0, seconds / pixels
    before_pixels, before_seconds = line[-2]
    slope = max(0.0, (seconds - before_seconds) / (pixels - before_pixels))
    offset = seconds - slope * pixels
    return (offset, slope) if offset > 0 else (0.0, seconds / pixels)
