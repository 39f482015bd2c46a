"""A detector as the teacher of `data.pseudo_label`."""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import nn

from data.io.progress import progress_bar
from data.preprocess import Preprocess
from data.pseudo_label.cache import LabelCache, fill_cache
from data.pseudo_label.labeler import LabelProgress, Teacher, label_blocks
from data.pseudo_label.records import LabelSettings
from data.reader import Reader
from utils.device import Amp, autocast, is_out_of_memory, memory_format, to_device
from utils.engine.helper import start_helper
from utils.evaluate.detector import eval_mode

log = logging.getLogger(__name__)

CPU_BATCH_PIXELS = 1 << 19
GPU_BATCH_PIXELS = 1 << 22
"""Input pixels of a batch with which a full-width network uses its device fully, in 2 GB (CPU) and 8 GB (GPU)."""


class DetectorTeacher(Teacher):
    """Runs a detector on batches of word crops.

    Args:
        model: maps float [B, 3, H, W] to (scores [B, H/2, W/2, 2], features).
        device: where it is.
        amp: precision of the forward pass.
    """

    def __init__(self, model: nn.Module, device: torch.device, amp: Amp) -> None:
        self._model, self._device, self._amp = model, device, amp
        self._format = memory_format(device)

    @torch.no_grad()
    def start(self, pixels: np.ndarray, sizes: np.ndarray, preprocess: Preprocess) -> Callable[[], np.ndarray]:
        """Begin with a `pixel_batch`; return what waits for its region scores, float32 [B, H/2, W/2].

        Args:
            pixels: uint8 [B, H, W, 3], RGB.
            sizes: int64 [B, 2], height and width without the padding.
            preprocess: normalises the pixels, on the device.
        """
        try:
            return self._start(pixels, sizes, preprocess)
        except RuntimeError as fault:
            if len(pixels) < 2 or not is_out_of_memory(fault):
                raise
        # Not within the handler, where the fault would keep the memory of what was computed so far.
        torch.cuda.empty_cache()
        half = len(pixels) // 2
        parts = [self.start(pixels[part], sizes[part], preprocess)() for part in (slice(half), slice(half, None))]
        return lambda: np.concatenate(parts)

    def _start(self, pixels: np.ndarray, sizes: np.ndarray, preprocess: Preprocess) -> Callable[[], np.ndarray]:
        on_cuda = self._device.type == "cuda"
        given = [torch.from_numpy(pixels), torch.from_numpy(sizes)]
        images, lengths = (to_device(tensor.pin_memory() if on_cuda else tensor, self._device) for tensor in given)
        inputs = preprocess.normalise_exactly(images, lengths).contiguous(memory_format=self._format)
        with eval_mode(self._model), autocast(self._device, self._amp):
            scores, _ = self._model(inputs)
        region = scores[..., 0].float()
        if not on_cuda:
            return region.cpu().numpy
        landed = torch.empty(region.shape, pin_memory=True).copy_(region, non_blocking=True)
        arrived = torch.cuda.Event()
        arrived.record()

        def wait() -> np.ndarray:
            arrived.synchronize()
            return landed.numpy()

        return wait

    @torch.no_grad()
    def __call__(self, batch: np.ndarray) -> np.ndarray:
        try:
            return self._scores(batch)
        except RuntimeError as fault:
            if len(batch) < 2 or not is_out_of_memory(fault):
                raise
        # Not within the handler, where the fault would keep the memory of what was computed so far.
        torch.cuda.empty_cache()
        half = len(batch) // 2
        return np.concatenate([self(batch[:half]), self(batch[half:])])

    def _scores(self, batch: np.ndarray) -> np.ndarray:
        pixels = torch.from_numpy(batch).to(self._device).contiguous(memory_format=self._format)
        with eval_mode(self._model), autocast(self._device, self._amp):
            scores, _ = self._model(pixels)
        return scores.float().cpu().numpy()


def weights_hash(model: nn.Module) -> str:
    """Return a short hash of a network's weights and buffers, the same on every device."""
    content = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        content.update(f"{name} {value.dtype} {tuple(value.shape)} ".encode())
        content.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return content.hexdigest()[:16]


def batch_pixels(device: torch.device) -> int:
    """Return how many input pixels a batch of crops has on a device."""
    return CPU_BATCH_PIXELS if device.type == "cpu" else GPU_BATCH_PIXELS


@contextmanager
def watershed_executor(device: torch.device) -> Iterator[Executor | None]:
    """Yield a pool of processes that run the watershed while a GPU computes; None on a CPU, where they would compete.

    scikit-image's watershed holds the global interpreter lock, so threads would not help.
    """
    processes = min(8, (os.cpu_count() or 1) - 1)
    if device.type == "cpu" or processes < 2:
        yield None
        return
    with ProcessPoolExecutor(processes, get_context("spawn"), initializer=start_helper) as executor:
        yield executor


class _Stopped(Exception):
    """Ends a labelling pass from within its progress report."""


def label_dataset(
    model: nn.Module,
    reader: Reader,
    settings: LabelSettings,
    root: Path,
    device: torch.device,
    *,
    rank: int = 0,
    world_size: int = 1,
    progress: bool = True,
    stop: Callable[[], bool] = lambda: False,
    executor: Executor | None = None,
) -> LabelCache | None:
    """Label the missing part of this process's share of a dataset; return the cache, or None if it was stopped.

    Read the labels with `cache.finish()` after all processes have returned.

    Args:
        model: the teacher, on `device`; put into eval mode during the pass.
        reader: the dataset.
        settings: thresholds and sizes; `settings.amp` is the precision that is used.
        root: folder of all caches.
        device: where `model` is.
        rank, world_size: which of how many processes this is.
        progress: show a bar on stderr.
        stop: called after each image; if it returns true, the pass ends, and the labels made so far are kept.
        executor: runs the watersheds; None starts the processes for this pass, if they help.
    """
    cache = LabelCache(root, reader, settings, weights_hash(model))
    missing = cache.missing(rank, world_size)
    if not missing:
        return cache
    total = sum(len(cache.images(block)) for block in missing)
    with (
        nullcontext(executor) if executor is not None else watershed_executor(device) as executor,
        eval_mode(model),
        progress_bar(None, total, "labelling words", shown=progress, logged=True) as bar,
    ):
        last = LabelProgress(0, total, 0, 0.0)

        def show(now: LabelProgress) -> None:
            nonlocal last
            if stop():
                raise _Stopped
            bar.set_postfix_str(f"{now.words_per_second:.0f} words/s", refresh=False)
            bar.update(now.images - last.images)
            last = now

        try:
            fill_cache(
                cache,
                reader,
                settings,
                DetectorTeacher(model, device, settings.amp),
                rank=rank,
                world_size=world_size,
                max_batch_pixels=batch_pixels(device),
                loader_threads=2 if device.type == "cpu" else min(8, os.cpu_count() or 1),  # a CPU labels, too
                executor=executor,
                on_progress=show,
            )
        except _Stopped:
            return None
    log.info(
        "labelled %s words of %s images in %.1f s, %.1f words/s",
        f"{last.words:,}", f"{last.images:,}", last.seconds, last.words_per_second,
    )  # fmt: skip
    return cache


_IMAGES, _BUDGET = 32, 6.0


def labelling_seconds(model: nn.Module, reader: Reader, settings: LabelSettings, device: torch.device) -> float | None:
    """Return the seconds of one labelling pass over all words, or None if the sampled images have no word to label.

    Images spread over the dataset are labelled in random order for six seconds. An untrained network finds no
    characters, so the estimate then lacks the time of the watershed, a few per cent of the whole.

    Args:
        model: the teacher, on `device`.
        reader: the words.
        settings: thresholds and sizes, and the precision.
        device: where `model` is.
    """
    looked = min(_IMAGES, len(reader))
    rows = np.random.default_rng(0).permutation(looked) * len(reader) // max(1, looked)
    images, words, begun = 0, 0, time.perf_counter()
    for labels in label_blocks(
        reader, rows.reshape(-1, 1).tolist(), settings, DetectorTeacher(model, device, settings.amp),
        max_batch_pixels=batch_pixels(device), loader_threads=1,
    ):  # fmt: skip
        images += len(labels)
        words += sum(int((label.found >= 0).sum()) for label in labels)
        if time.perf_counter() - begun > _BUDGET:
            break
    return (time.perf_counter() - begun) / images * len(reader) if words else None
