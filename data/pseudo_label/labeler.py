"""Runs a teacher over the words of many images: crops of one shape share a forward pass.

While the network computes a batch, threads read and cut the next images, and the characters of the previous batch are
searched for, in an executor if one is given. A batch holds crops of one block of images only, so the labels of a block
do not depend on which blocks were labelled before it, or by which process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Protocol, runtime_checkable

import numpy as np

from data.io.read_ahead import read_ahead
from data.preprocess import Preprocess
from data.pseudo_label.records import ImageLabels, LabelSettings
from data.pseudo_label.watershed import find_characters
from data.pseudo_label.words import CutImage, cut_image, label_image, network_input, padded_shape, pixel_batch, word_map
from data.reader import Reader

MAX_WAITING = 8
"""Crops wait for others of their shape until all waiting crops together have the pixels of this many batches."""


class Teacher(Protocol):
    """The interface of the network: a function of batches, in eval mode."""

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Map float32 [B, 3, H, W] to scores float [B, H/2, W/2, 2], region first."""
        ...


@runtime_checkable
class StartingTeacher(Protocol):
    """A teacher that computes on a device of its own, while this process goes on."""

    def start(self, pixels: np.ndarray, sizes: np.ndarray, preprocess: Preprocess) -> Callable[[], np.ndarray]:
        """Take a `pixel_batch`, and return what waits for its region scores, float32 [B, H/2, W/2]."""
        ...


@dataclass(frozen=True)
class LabelProgress:
    """How far a labelling pass has come."""

    images: int
    total: int
    words: int
    seconds: float

    @property
    def words_per_second(self) -> float:
        """Speed so far."""
        return self.words / self.seconds if self.seconds else 0.0


class _Batcher:
    """Finds the characters of crops, a batch of one padded shape at a time."""

    def __init__(self, teacher: Teacher, settings: LabelSettings, max_pixels: int, executor: Executor | None) -> None:
        self._teacher, self._settings, self._max_pixels, self._executor = teacher, settings, max_pixels, executor
        self._waiting: dict[tuple[int, int], list[tuple[CutImage, int]]] = {}
        self._pixels = 0
        self._found: dict[tuple[int, int], np.ndarray | Future] = {}
        self._in_flight: tuple[list[tuple[CutImage, int]], Callable[[], np.ndarray]] | None = None

    def add(self, cut: CutImage) -> None:
        for index, crop in enumerate(cut.crops):
            shape = padded_shape(crop)
            group = self._waiting.setdefault(shape, [])
            group.append((cut, index))
            self._pixels += shape[0] * shape[1]
            if (len(group) + 1) * shape[0] * shape[1] > self._max_pixels:
                self._run(shape)
            elif self._pixels > MAX_WAITING * self._max_pixels:
                self._run(max(self._waiting, key=lambda size: len(self._waiting[size]) * size[0] * size[1]))

    def finish(self) -> None:
        for shape in sorted(self._waiting):
            self._run(shape)
        self._finish_batch()

    def boxes(self, cut: CutImage) -> list[np.ndarray]:
        found = [self._found.pop((id(cut), index)) for index in range(len(cut.crops))]
        return [boxes.result() if isinstance(boxes, Future) else boxes for boxes in found]

    def _run(self, shape: tuple[int, int]) -> None:
        group = self._waiting.pop(shape)
        self._pixels -= len(group) * shape[0] * shape[1]
        crops = [cut.crops[index] for cut, index in group]
        if isinstance(self._teacher, StartingTeacher):
            wait = self._teacher.start(*pixel_batch(crops), self._settings.preprocess)
        else:
            regions = self._teacher(network_input(crops, self._settings))[..., 0]
            wait = partial(np.asarray, regions)
        for cut, index in group:
            # The pixels of a block of dense pages would take gigabytes.
            cut.crops[index] = cut.crops[index].without_pixels()
        self._finish_batch()
        self._in_flight = group, wait

    def _finish_batch(self) -> None:
        """Find the characters of the batch in flight."""
        if self._in_flight is None:
            return
        (group, wait), self._in_flight = self._in_flight, None
        limits = {"sure_fg_th": self._settings.sure_fg_th, "sure_bg_th": self._settings.sure_bg_th}
        for (cut, index), region in zip(group, wait(), strict=True):
            crop = cut.crops[index]
            arguments = {**limits, "vertical": crop.vertical}
            part = word_map(region, crop)
            if self._executor is None:
                self._found[id(cut), index] = find_characters(part, **arguments)
            else:
                self._found[id(cut), index] = self._executor.submit(find_characters, part.copy(), **arguments)


def label_blocks(
    reader: Reader,
    blocks: Iterable[Sequence[int]],
    settings: LabelSettings,
    teacher: Teacher,
    *,
    max_batch_pixels: int = 1 << 19,
    loader_threads: int = 2,
    executor: Executor | None = None,
    on_progress: Callable[[LabelProgress], None] | None = None,
) -> Iterator[list[ImageLabels]]:
    """Label blocks of images, yielding the labels of each block's images in their order.

    Args:
        reader: the dataset; read from several threads at once.
        blocks: indices of the images of each block.
        settings: thresholds and sizes.
        teacher: called from this thread.
        max_batch_pixels: greatest number of input pixels of a batch of several crops.
        loader_threads: threads that read and cut images.
        executor: where watersheds run; None runs them here.
        on_progress: called after each image and after each block.
    """
    blocks = [list(block) for block in blocks]
    start, images, words, total = time.perf_counter(), 0, 0, sum(map(len, blocks))

    def report(count_images: int, count_words: int) -> None:
        if on_progress is not None:
            on_progress(LabelProgress(count_images, total, count_words, time.perf_counter() - start))

    threads = max(1, loader_threads)
    cut = partial(cut_image, reader, settings=settings)
    with closing(read_ahead(cut, chain.from_iterable(blocks), threads=threads, depth=2 * threads)) as ahead:
        for block in blocks:
            batcher = _Batcher(teacher, settings, max_batch_pixels, executor)
            cuts: list[CutImage] = []
            for _ in block:
                cut = next(ahead)
                batcher.add(cut)
                cuts.append(cut)
                images, words = images + 1, words + len(cut.crops)
                report(images, words)
            batcher.finish()
            labels = [label_image(cut, batcher.boxes(cut), settings.keep_above) for cut in cuts]
            report(images, words)
            yield labels
