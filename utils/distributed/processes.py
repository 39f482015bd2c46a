"""The processes of a training run: the rank of this process, and the values they exchange.

Small values for decisions (stop now? how many samples were unreadable?) go over gloo and the CPU, never over the GPU's
stream, so that a decision does not wait for the device. Every process gets the same values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """The processes of a run. If there is only one, every method returns its argument at once.

    All methods except `share` are collective: every process calls them, in the same order.

    Attributes:
        rank: global rank of this process, for data and files.
        world: number of processes.
        local_rank: rank of this process on its machine, only for the device.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and logs: rank 0."""
        return self.rank == 0

    def share(self, count: int) -> range:
        """Return this process's share of the indices below `count`: every `world`-th index, from `rank` on."""
        return range(self.rank, count, self.world)

    def sum(self, values: Sequence[int]) -> list[int]:
        """Return the sums of whole numbers over all processes."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def max(self, value: int) -> int:
        """Return the greatest of all processes' numbers."""
        return self._reduced([value], dist.ReduceOp.MAX)[0]

    def any(self, flag: bool) -> bool:
        """Return whether the flag is set in any process."""
        return bool(self.max(int(flag)))

    def _reduced(self, values: Sequence[int], operation: Any) -> list[int]:
        if self.world == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.int64)
        dist.all_reduce(tensor, operation)
        return tensor.tolist()

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def interleave(self, values: Sequence[T]) -> list[T]:
        """Return the results of all processes for their `share`s, in the order of the indices.

        The lists may have different lengths; no result is lost.

        Args:
            values: the results of this process, in the order of its share.
        """
        if self.world == 1:
            return list(values)
        parts = self.gather(list(values))
        return [part[place] for place in range(max(map(len, parts))) for part in parts if place < len(part)]

    def broadcast(self, value: T) -> T:
        """Return the main process's value."""
        if self.world == 1:
            return value
        box: list[Any] = [value if self.is_main else None]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def mean_(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their means over all processes, in place and in one transfer.

        Args:
            tensors: floating point, of any shape [...], on the run's device; the same shapes in every process.
        """
        if self.world == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().reshape(-1).float() for tensor in tensors])
        dist.all_reduce(flat)
        flat /= self.world
        offset = 0
        for tensor in tensors:
            tensor.copy_(flat[offset : offset + tensor.numel()].view_as(tensor))
            offset += tensor.numel()

    def barrier(self) -> None:
        """Wait until every process has come here."""
        if self.world > 1:
            self._reduced([0], dist.ReduceOp.MAX)  # `dist.barrier` would take the GPU where there is one

    @contextmanager
    def first_on_each_machine(self) -> Iterator[None]:
        """Run the block in the first process of each machine before the other processes of that machine.

        It is for files that the first process creates and the others then find.
        """
        if self.local_rank:
            self.barrier()
        yield
        if not self.local_rank:
            self.barrier()


ALONE = Processes()
