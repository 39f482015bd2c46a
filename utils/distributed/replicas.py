"""Replicas of a network, one per process, which are kept identical.

DistributedDataParallel averages the gradients (Li et al., VLDB 2020). It does not average the running statistics of
batch norms, which each process computes over its own samples; this is done here after every step. So any process could
write the checkpoint, all processes evaluate the same network, and a run may be resumed by another number of processes.
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

# Newer versions renamed the option; the two differ only in the treatment of buffers at the start, which are equal here.
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
                # With accumulation the graph is not static for DDP: micro-batches without a reduction differ.
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
        """End an iteration: average the running statistics, and values such as the loss, over all processes.

        It does not wait for the device.

        Args:
            values: each a scalar on the run's device.

        Returns:
            The means, each a float32 scalar; the values themselves where there is one process.
        """
        if self._processes.world == 1:
            return dict(values)
        values = {name: value.detach().float().clone() for name, value in values.items()}
        with torch.no_grad():
            self._processes.mean_([*values.values(), *self._statistics])
        return values


def _keep_buckets(parallel: DistributedDataParallel) -> None:
    """Keep the gradient buckets in their final order from the first backward pass on.

    DDP reorders its buckets after its first backward pass. With three or more processes, the order in which a gradient
    is summed depends on its place in the bucket, so a resumed run, whose first pass is a later iteration, would differ
    by rounding. On GPUs the reordering stays on, because it lets transfers begin earlier and kernels round differently
    anyway.
    """
    parallel.reducer._push_all_rebuilt_params()
    parallel.reducer._rebuild_buckets()
