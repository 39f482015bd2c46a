"""Which sample stands at which position of a run, and which positions make up a batch.

A run reads one endless stream of positions 0, 1, 2, ... A step of G samples takes G positions: step s those from
s * G on. Each process takes its share of them. The sample at a position is a function of (seed, position) alone, so it
does not depend on the number of workers or processes, nor on interruptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from torch.utils.data import Dataset, Sampler

from config.errors import UserError
from data.reader import UnreadableSample

MAX_UNREADABLE_IN_A_ROW = 20


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


def read_at(reader: Any, order: Any, seed: int, position: int, noun: str) -> tuple[Any, list[str]]:
    """Return the sample at a position of the run, or a substitute, and the names of samples that could not be read.

    Args:
        reader: the dataset.
        order: maps positions to samples; its `size` is the number of samples.
        seed: seed of the dataset.
        position: of the run.
        noun: plural name of the samples for the message, such as "images".

    Raises:
        UserError: twenty in a row cannot be read.
    """
    index, unreadable = order[position], []
    # Substitutes come from anywhere in the dataset: what is missing is often a whole folder.
    substitutes = np.random.default_rng((seed, 2, position))
    while len(unreadable) < MAX_UNREADABLE_IN_A_ROW:
        try:
            return reader[index], unreadable
        except UnreadableSample as fault:
            unreadable.append(str(fault))
            index = int(substitutes.integers(order.size))
    raise UserError(
        f"{MAX_UNREADABLE_IN_A_ROW} {noun} in a row cannot be read, the last one: {unreadable[-1]}; check that they "
        "lie where the dataset's `root` says"
    )


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


class MixedTrainingSet(Dataset):
    """Joins training sets so that every batch holds the same number of samples of each.

    Positions of the run (see `data.order`) come in blocks of `size`: the first `counts[0]` of a block belong to the
    first set, the next `counts[1]` to the second, and so on. Each set is asked for positions 0, 1, 2, ... in turn, so
    what it yields does not depend on the other sets.

    Args:
        sets: training sets by position.
        counts: how many samples of each make up a block; a set whose count is 0 is never asked.
    """

    def __init__(self, sets: Sequence[Dataset], counts: Sequence[int]) -> None:
        if len(sets) != len(counts) or min(counts, default=0) < 0 or sum(counts) < 1:
            raise ValueError(f"{len(sets)} sets cannot be mixed with the counts {list(counts)}")
        self.sets = list(sets)
        self.counts = list(counts)
        self.size = sum(counts)
        self._ends = list(accumulate(counts))

    def __getitem__(self, position: int) -> Any:
        block, offset = divmod(position, self.size)
        part = next(index for index, end in enumerate(self._ends) if offset < end)
        count = self.counts[part]
        return self.sets[part][block * count + offset - (self._ends[part] - count)]
