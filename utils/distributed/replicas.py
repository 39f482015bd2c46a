"""A network in every process, kept the same in all of them.

DistributedDataParallel averages the gradients (Li et al., VLDB 2020). What it would not keep the same is done here:
the running statistics of batch norms, which each process takes of its own samples, are averaged after every step. So
each process could write the checkpoint, each evaluates the same network, and a resumed run may have another number of
processes.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from utils.distributed.processes import Processes

# Newer versions have another name for it, which differs in what happens to buffers at the start, which are alike here.
_RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel.__init__).parameters
_WITHOUT_BUFFERS: dict[str, Any] = {"forward_sync_buffers" if _RENAMED else "broadcast_buffers": False}


class Replicas:
    """Wraps the network of a run for training.

    Args:
        model: the network, on its device; the same object is evaluated and saved.
        processes: those of the run.
        accumulate: micro-batches of an iteration; gradients are averaged over the processes with the last one.
        compiled: let `torch.compile` translate the training step of the network; evaluations, whose sizes vary, run it
            as it is.

    Attributes:
        module: what a training step runs.
    """

    def __init__(self, model: nn.Module, processes: Processes, accumulate: int = 1, *, compiled: bool = False) -> None:
        self._processes = processes
        self._statistics = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        self.module: nn.Module = model
        self._parallel: DistributedDataParallel | None = None
        if processes.world > 1 and any(parameter.requires_grad for parameter in model.parameters()):
            device = next(model.parameters()).device
            self._parallel = DistributedDataParallel(
                model,
                device_ids=[device] if device.type == "cuda" else None,
                **_WITHOUT_BUFFERS,  # they are averaged below
                gradient_as_bucket_view=True,
                # The graph is the same in every iteration, but DDP counts a micro-batch without a reduction as one.
                static_graph=accumulate == 1,
            )
            if device.type == "cpu":
                _keep_buckets(self._parallel)
            self.module = self._parallel
        if compiled:
            self.module = torch.compile(self.module)

    def reducing(self, last: bool) -> AbstractContextManager[object]:
        """Return the context of a forward and backward pass; the gradients are averaged in that of the `last` one."""
        return nullcontext() if self._parallel is None or last else self._parallel.no_sync()

    def settle(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """End an iteration: average the running statistics, and scalars such as the loss, over all processes.

        Nothing in it waits for the device.
        """
        if self._processes.world == 1:
            return dict(values)
        values = {name: value.detach().float().clone() for name, value in values.items()}
        with torch.no_grad():
            self._processes.mean_([*values.values(), *self._statistics])
        return values


def _keep_buckets(parallel: DistributedDataParallel) -> None:
    """Have the buckets in their final order from the first backward pass on.

    After its first pass DDP sorts them anew. In which order three processes or more add up a gradient depends on its
    place in the bucket, so that a resumed run, whose first pass is another iteration, would differ by roundings.
    On GPUs, where the order lets transfers begin early, that is left so: there kernels round differently anyway.
    """
    parallel.reducer._push_all_rebuilt_params()
    parallel.reducer._rebuild_buckets()
