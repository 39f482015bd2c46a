"""The order of the samples of a run in which pictures of similar width share a batch.

The run is divided into windows of a fixed number of batches. The samples of a window are chosen as usual
(`data.order.SampleOrder`: a new permutation for each pass over the dataset), sorted by width, and divided into batches;
the order of these batches is another permutation. So the pictures of a batch have similar widths, batches follow one
another in random order, every sample is read once in each pass, and the sample at a position is a function of (seed,
position) and of the widths alone.

The engine is not involved: it reads positions in order, and a batch is positions s·G up to (s+1)·G of the run, where G
is the number of samples over all processes. Any number of processes may share a batch.

With several datasets in every batch (`data.order.MixedTrainingSet`), each dataset has separate positions, widths, order
and number of samples in a batch. All share the order of narrow and wide batches: a step that takes the fifth-narrowest
batch of one dataset's window takes the fifth-narrowest batch of all the others.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from data.order import SampleOrder

BATCHES = 64
"""Default number of batches in a window."""


class Widths(Protocol):
    """The widths of a dataset's pictures: an array, or an object that finds them when they are needed."""

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Return numbers that grow with the widths of these samples, int or float [N]; `indices` is int [N]."""
        ...


class WidthOrder:
    """Maps positions to samples so that the samples of a batch have similar widths.

    Besides the widths it holds a permutation of the dataset and the samples of one window in memory.

    Args:
        size: number of samples.
        seed: seed of this dataset's order.
        batch: samples of this dataset in one step of the run, of all processes together.
        widths: of each sample, in any unit.
        batches: length of a window, in steps of the run.
        schedule_seed: seed of the order of the batches, the same for all datasets of a run; None takes `seed`.
    """

    def __init__(
        self,
        size: int,
        seed: int,
        batch: int,
        widths: Widths,
        *,
        batches: int = BATCHES,
        schedule_seed: int | None = None,
    ) -> None:
        if min(size, batch, batches) < 1:
            raise ValueError(f"no order of {size} samples in windows of {batches} batches of {batch}")
        self.size = size
        self.seed = seed
        self.batch = batch
        self.batches = batches
        self._schedule_seed = seed if schedule_seed is None else schedule_seed
        self._widths = widths
        self._order = SampleOrder(size, seed)
        self._window = -1
        self._samples = np.zeros(0, np.int64)

    def __getitem__(self, position: int) -> int:
        window, offset = divmod(position, self.batches * self.batch)
        if window != self._window:
            self._samples = self._sorted(window)
            self._window = window
        return int(self._samples[offset])

    def _sorted(self, window: int) -> np.ndarray:
        """Return the samples of a window by position.

        If a pass ends within the window, its samples are sorted separately, so that it is complete before the next
        pass begins.
        """
        span = self.batches * self.batch
        positions = np.arange(window * span, (window + 1) * span)
        samples = np.fromiter((self._order[int(position)] for position in positions), np.int64, span)
        passes = positions // self.size
        slots = np.random.default_rng((self._schedule_seed, 3, window)).permutation(self.batches)
        # Shuffled within a batch, because processes share a batch by position: none should always get the widest.
        shuffle = np.random.default_rng((self.seed, 4, window)).random(span)
        places = np.lexsort((shuffle, np.repeat(slots, self.batch), passes))
        by_width = np.lexsort((np.asarray(self._widths[samples]), passes))  # of equal widths, in the order of the pass
        result = np.empty_like(samples)
        result[places] = samples[by_width]
        return result


def padding_share(widths: np.ndarray, batch: int) -> float:
    """Return the share of the pixels of the batches that are padding, 0..1.

    Args:
        widths: int [N], in the order of the run; samples beyond the last full batch are left out.
        batch: samples of a batch, which are padded to the widest of them.
    """
    groups = np.asarray(widths, np.int64)[: len(widths) // batch * batch].reshape(-1, batch)
    return 1 - float(groups.sum()) / float(groups.max(axis=1).sum() * batch)
