"""Several training sets in every batch, in fixed shares."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from torch.utils.data import Dataset


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
