"""Which sample stands at which position of a run, when pictures of similar width are to share a batch.

The run is cut into windows of so many batches. The samples of a window are drawn as ever (`data.order.SampleOrder`: a
new permutation for each pass over the dataset), sorted by width, and cut into batches; which of these batches comes
when is a permutation of its own. So batches hold similar widths and follow one another in random order, every sample
is read once in each pass, and what stands at a position is a function of (seed, position) and of the widths alone.

The engine knows nothing of it: it asks for positions in their order, and a batch is positions s·G up to (s+1)·G of the
run, G being the samples of all processes together. Processes take shares of the same batch, whatever their number.

Several datasets in every batch (`data.order.MixedTrainingSet`): each has positions, widths and an order of its own,
with its own number of samples in a batch. They share the order in which narrow and wide batches come: the step that
takes the fifth-narrowest batch of one dataset's window takes the fifth-narrowest of all. Both sorted, they are as alike
as fixed numbers of samples of each permit.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from data.order import SampleOrder

BATCHES = 64
"""Batches in a window unless told otherwise."""


class Widths(Protocol):
    """The widths of a dataset's pictures: an array of them, or what finds them when they are needed."""

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        """Return numbers that grow with the widths of these samples, [N]."""
        ...


class WidthOrder:
    """Maps positions to samples so that the samples of a batch have similar widths.

    Memory beyond the widths: a permutation of the dataset and the samples of one window.

    Args:
        size: number of samples.
        seed: seed of this dataset's order.
        batch: samples of this dataset in one step of the run, of all processes together.
        widths: of each sample, in any unit.
        batches: length of a window, in steps of the run.
        schedule_seed: seed of the order of narrow and wide batches, the same for all datasets of a run; None: `seed`.
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

        A pass that ends within the window is sorted by itself, so that it is complete before the next one begins.
        """
        span = self.batches * self.batch
        positions = np.arange(window * span, (window + 1) * span)
        samples = np.fromiter((self._order[int(position)] for position in positions), np.int64, span)
        passes = positions // self.size
        slots = np.random.default_rng((self._schedule_seed, 3, window)).permutation(self.batches)
        # Processes take their shares of a batch by position: which sample is wide must not depend on the process.
        shuffle = np.random.default_rng((self.seed, 4, window)).random(span)
        places = np.lexsort((shuffle, np.repeat(slots, self.batch), passes))
        by_width = np.lexsort((np.asarray(self._widths[samples]), passes))  # of equal widths, in the order of the pass
        result = np.empty_like(samples)
        result[places] = samples[by_width]
        return result


def padding_share(widths: np.ndarray, batch: int) -> float:
    """Return how many pixels of the batches are padding, as a share of all.

    Args:
        widths: int [N], in the order of the run; samples beyond the last full batch are left out.
        batch: samples that are padded to the longest of them.
    """
    groups = np.asarray(widths, np.int64)[: len(widths) // batch * batch].reshape(-1, batch)
    return 1 - float(groups.sum()) / float(groups.max(axis=1).sum() * batch)
