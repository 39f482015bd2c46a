"""Which sample stands at which position of a run, and which positions make up a batch.

A run reads one endless stream of positions 0, 1, 2, ... Step s takes the positions from s * G on, G being the
global batch size, and process r takes its share of them. What stands at a position is a function of (seed,
position) alone, so the number of workers, of processes, and an interruption change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler


class SampleOrder:
    """Maps positions to samples: a new permutation of the dataset for each pass over it.

    Args:
        size: number of samples.
        seed: seed of the run.
    """

    def __init__(self, size: int, seed: int) -> None:
        if size < 1:
            raise ValueError("an order needs at least one sample")
        self.size = size
        self.seed = seed
        self._pass = -1
        self._permutation = np.zeros(0, np.int64)

    def __getitem__(self, position: int) -> int:
        number, offset = divmod(position, self.size)
        if number != self._pass:
            self._permutation = np.random.default_rng((self.seed, 0, number)).permutation(self.size)
            self._pass = number
        return int(self._permutation[offset])


def position_rng(seed: int, position: int) -> np.random.Generator:
    """Return the generator of every random choice made for the sample at `position`."""
    return np.random.default_rng((seed, 1, position))


class StreamBatchSampler(Sampler[list[int]]):
    """Yields the positions of one process's batches, from step `start` up to step `end`.

    Args:
        batch_size: samples per process and step.
        start: first step.
        end: step before which to stop.
        rank: number of this process among all.
        world: how many processes there are.
    """

    def __init__(self, batch_size: int, start: int, end: int, rank: int = 0, world: int = 1) -> None:
        self.batch_size = batch_size
        self.start = start
        self.end = end
        self.rank = rank
        self.world = world

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.end):
            first = (step * self.world + self.rank) * self.batch_size
            yield list(range(first, first + self.batch_size))

    def __len__(self) -> int:
        return max(0, self.end - self.start)
