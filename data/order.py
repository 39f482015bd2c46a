"""Which sample stands at which position of a run, and which positions make up a batch.

A run reads one endless stream of positions 0, 1, 2, ... A step of G samples takes G positions: step s those from
s * G on. Each process takes its share of them. The sample at a position is a function of (seed, position) alone, so it
does not depend on the number of workers or processes, nor on interruptions.
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
        pass_index, offset = divmod(position, self.size)
        if pass_index != self._pass:
            self._permutation = np.random.default_rng((self.seed, 0, pass_index)).permutation(self.size)
            self._pass = pass_index
        return int(self._permutation[offset])


def position_rng(seed: int, position: int) -> np.random.Generator:
    """Return the generator of every random choice made for the sample at `position`."""
    return np.random.default_rng((seed, 1, position))


class StreamBatchSampler(Sampler[list[int]]):
    """Yields the positions of one process's batches, from step `start` up to step `end`.

    With n processes each takes every n-th position of a step, and so its part of each dataset of a mixed batch.

    Args:
        samples: number of samples of a step, over all processes and micro-batches; not necessarily a multiple of them.
        start: first step.
        end: step before which to stop.
        rank: number of this process among all.
        world: how many processes there are.
        accumulate: micro-batches of a step; one batch is yielded for each.

    Raises:
        ValueError: a process would get no sample.
    """

    def __init__(self, samples: int, start: int, end: int, rank: int = 0, world: int = 1, accumulate: int = 1) -> None:
        if samples < world * accumulate:
            raise ValueError(f"{samples} samples are too few for {world} processes and {accumulate} micro-batches")
        self.samples = samples
        self.start = start
        self.end = end
        self.world = world
        self._firsts = [micro * world + rank for micro in range(accumulate)]

    def __iter__(self) -> Iterator[list[int]]:
        for step in range(self.start, self.end):
            yield from self.positions(step)

    def positions(self, step: int) -> list[list[int]]:
        """Return the positions of this process's micro-batches of a step."""
        stride = self.world * len(self._firsts)
        return [list(range(step * self.samples + first, (step + 1) * self.samples, stride)) for first in self._firsts]

    def __len__(self) -> int:
        return max(0, self.end - self.start) * len(self._firsts)

    def weight(self, micro: int) -> float:
        """Return the weight of the mean loss of a step's micro-batch in this process.

        Gradients are added up over micro-batches and averaged over processes. With these weights the outcome is the
        gradient of the mean over all samples of the step, even if the shares are not equal.
        """
        size = len(range(self._firsts[micro], self.samples, self.world * len(self._firsts)))
        return size * self.world / self.samples
