"""What an iteration costs: real steps of the real network on real batches, on the device of the configuration."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from torch.utils.data import Dataset

from config.schema.detection import DetectionConfig
from data.detection import DetectionTrainingSet, collate
from data.mixing import MixedTrainingSet
from data.preprocess import Preprocess
from data.readers.concat import ConcatReader
from loss.heatmap import HeatmapLoss
from model.registry import build_detector
from utils.check.boxes import augmentation_of
from utils.check.sources import Source
from utils.device import Amp, autocast, memory_format, peak_memory_bytes

_WARM_UP, _STEPS = 1, 3
_BUDGET = 20.0
_DATA_SECONDS, _DATA_SAMPLES = 4.0, 64
_TRIAL_SIDE = 64


@dataclass(frozen=True)
class StepTime:
    """What was measured of the network.

    Attributes:
        seconds: of a step at the configured batch and size; an estimate where `measured` says so.
        batch, side: what the steps were really run with.
        configured: samples of the configured batch.
        measured: whether those are the configured ones.
        peak_bytes: most memory used, of the device or else of the process.
        too_large: the configured batch does not fit into the device's memory.
    """

    seconds: float
    batch: int
    side: int
    configured: int
    measured: bool
    peak_bytes: int
    too_large: bool = False


def training_set(sources: Sequence[Source], config: DetectionConfig) -> tuple[Dataset, int]:
    """Return the samples of the run by position, and how many make up an iteration.

    Word boxes without characters go through the same reading and augmentation; only that their targets are empty
    tells them from what the teacher will label.
    """
    sets, counts = [], []
    weak, data = config.train.weak, config.train.data
    for role in ("words", "characters"):
        own = [source for source in sources if source.role == role]
        if not own:
            continue
        readers = [source.reader for source in own]
        settings = data.model_copy(update={"augment": augmentation_of(own[0], config)})
        reader = readers[0] if len(readers) == 1 else ConcatReader(readers)
        sets.append(DetectionTrainingSet(reader, settings, config.seed))
        replayed = weak is not None and role == "characters"
        counts.append(max(1, config.train.batch_size // weak.synth_ratio) if replayed else config.train.batch_size)
    return (MixedTrainingSet(sets, counts), sum(counts)) if len(sets) > 1 else (sets[0], counts[0])


def data_seconds(samples: Dataset, at_most: int) -> tuple[float, list[dict[str, Any]]]:
    """Prepare samples in one thread, as one loader process does; return the median seconds of one, and up to `at_most`
    of them."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    kept, seconds, begun = [], [], time.perf_counter()
    try:
        for position in range(_DATA_SAMPLES):
            started = time.perf_counter()
            sample = samples[position]
            seconds.append(time.perf_counter() - started)
            if len(kept) < at_most:
                kept.append(sample)
            if time.perf_counter() - begun > _DATA_SECONDS and len(seconds) >= 4:
                break
    finally:
        cv2.setNumThreads(threads)
    # The mean, because slow samples cost what they cost; but not the first, which also opens files and caches.
    return statistics.mean(seconds[1:] or seconds), kept


class StepTimer:
    """Runs training steps of a fresh network.

    Args:
        config: the whole job.
        device: where it runs.
        amp: precision in use there.
    """

    def __init__(self, config: DetectionConfig, device: torch.device, amp: Amp) -> None:
        train, data = config.train, config.train.data
        self.device, self.amp = device, amp
        self._preprocess = Preprocess(tuple(data.mean), tuple(data.std))
        self._criterion = HeatmapLoss(train.loss, train.neg_rto, train.n_min_neg)
        self._format = memory_format(device)
        self._model = build_detector(config.model).to(device, memory_format=self._format).train()
        kind = torch.optim.AdamW if train.optimizer == "adamw" else torch.optim.Adam
        self._optimizer = kind(self._model.parameters(), lr=train.lr, weight_decay=train.weight_decay)
        self._scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")

    def measure(self, samples: list[dict[str, Any]], batch_size: int) -> StepTime:
        """Measure a step with batches of `batch_size`, made of the samples over and over.

        Where the device is out of memory the batch is halved until it fits. Where a step would take so long that the
        check would keep a person waiting (a full-size network on a CPU), fewer samples and then smaller images
        are run, and the time is extrapolated by the number of pixels, to which that of a convolution is proportional.
        """
        side = int(samples[0]["image"].shape[0])
        batch, size, fixed = batch_size, side, 0.0
        if self.device.type == "cpu":
            batch, size, fixed = self._affordable(samples, batch_size, side)
        too_large = False
        while True:
            try:
                seconds = self._seconds(samples, batch, size, _STEPS)
                break
            except torch.OutOfMemoryError:
                too_large = True
                self._optimizer.zero_grad(set_to_none=True)
                torch.cuda.empty_cache()
                if batch == 1:
                    return StepTime(float("nan"), 0, side, batch_size, False, 0, True)
                batch //= 2
        fixed = min(fixed, seconds)
        whole = fixed + (seconds - fixed) * (batch_size * side**2) / (batch * size**2)
        measured = (batch, size) == (batch_size, side)
        return StepTime(whole, batch, size, batch_size, measured, peak_memory_bytes(self.device), too_large)

    def _affordable(self, samples: list[dict[str, Any]], batch_size: int, side: int) -> tuple[int, int, float]:
        """Climb from a small step towards the configured one as long as the next steps stay within the budget.

        Returns:
            Batch size and image side to measure with, and the seconds of a step that do not depend on either (those of
            the optimiser, above all).
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
            line.append((pixels, self._seconds(samples, batch, size, 1)))
            reached = (batch, size)
        return *reached, _through(line)[0]

    def _seconds(self, samples: list[dict[str, Any]], batch_size: int, side: int, steps: int) -> float:
        chosen = [samples[number % len(samples)] for number in range(batch_size)]
        batch = {name: value for name, value in collate(chosen).items() if isinstance(value, torch.Tensor)}
        whole = batch["image"].shape[1]
        if side < whole:
            batch = {name: value[:, : side * value.shape[1] // whole, : side * value.shape[2] // whole]
                     for name, value in batch.items()}  # fmt: skip
        seconds = []
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        for _ in range(_WARM_UP + steps):
            begun = time.perf_counter()
            self._step(batch)
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds[_WARM_UP:])

    def _step(self, batch: dict[str, torch.Tensor]) -> None:
        there = {name: value.to(self.device) for name, value in batch.items()}
        with autocast(self.device, self.amp):
            images = self._preprocess.normalise_batch(there["image"]).contiguous(memory_format=self._format)
            scores, _ = self._model(images)
            parts = self._criterion(scores, there["region"], there["affinity"], there["mask"])
        self._optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(parts.total).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()
        parts.total.item()  # Waits for the device.


def _doubling(first: int, last: int) -> list[int]:
    """Return `first`, twice that and so on, and at the end `last`; only `last` where it is not greater."""
    numbers = []
    while first < last:
        numbers.append(first)
        first *= 2
    return [*numbers, last]


def _through(line: list[tuple[int, float]]) -> tuple[float, float]:
    """Return offset and slope of the line through the last two points (pixels, seconds); neither is negative."""
    pixels, seconds = line[-1]
    if len(line) < 2:
        return 0.0, seconds / pixels
    before_pixels, before_seconds = line[-2]
    slope = max(0.0, (seconds - before_seconds) / (pixels - before_pixels))
    offset = seconds - slope * pixels
    return (offset, slope) if offset > 0 else (0.0, seconds / pixels)
