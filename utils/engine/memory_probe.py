"""Finds out before the first iteration whether a batch fits into the device, and if not, how many samples do.

A run that is out of memory after an hour, because only then a wide batch came, or that says no more than that it is,
costs a person the night. So the first batch is run forward and backward as it would be at its worst; where that fails,
the largest number of samples that fits is found by bisection, and one sentence says what to set.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from utils.device import Amp, autocast, is_out_of_memory
from utils.distributed.sync_batch_norm import separate_batch_norms
from utils.engine.memory_messages import device_memory, too_large
from utils.engine.task import Task


def probe_memory(attempt: Callable[[int], None], batch_size: int, *, agree: Callable[[bool], bool]) -> int:
    """Return how many samples fit, up to `batch_size`; 0 where not even one does.

    Every process must call this with the same `batch_size`, and all of them get the same answer.

    Args:
        attempt: runs so many samples; where it runs out of memory it must not wait for other processes.
        batch_size: how many samples are wanted; tried first, and the only attempt where they fit.
        agree: tells each process whether any of them was out of memory (`Processes.any`).
    """

    def fits(samples: int) -> bool:
        lacking = _out_of_memory(attempt, samples)
        if lacking:
            free_memory()
        return not agree(lacking)

    if fits(batch_size):
        return batch_size
    least, most = 0, batch_size - 1
    while least < most:
        middle = (least + most + 1) // 2
        if fits(middle):
            least = middle
        else:
            most = middle - 1
    return least


def largest_batch(
    task: Task,
    batch: Mapping[str, Any],
    *,
    device: torch.device,
    amp: Amp,
    agree: Callable[[bool], bool],
    reserve_bytes: int = 0,
    wanted: int | None = None,
) -> int:
    """Return how many samples of a batch, made as bad as the settings allow, go through a step of the task.

    A copy of the network is what is run: the network itself, its gradients and buffers, the random numbers and what
    the task counts stay as they are. Nor does `DistributedDataParallel` see anything of it, which with a static graph
    would take the probe for its first iteration and from then on average nothing, without a word. Batch norms of the
    copy wait for no other process, for one that is out of memory would leave the others waiting.

    Args:
        task: the job; its `model` is the bare network.
        batch: what the collation made, on the device.
        device, amp: of the run.
        agree: see `probe_memory`.
        reserve_bytes: memory that the run will hold beside (see `later_bytes`).
        wanted: samples of the largest batch of any process, the same in all of them; None is that of this one.
    """
    size = len(batch["image"])
    reserve_bytes = max(0, reserve_bytes - _bytes(task.model.parameters()))  # The copy is in the way already.

    @functools.cache
    def made() -> tuple[nn.Module, Mapping[str, Any]]:
        return _twin(task.model), task.worst_batch(batch)

    def attempt(samples: int) -> None:
        # Made within the first attempt: a process that has no room for these must tell the others, too.
        twin, worst = made()
        reserved = torch.empty(reserve_bytes, dtype=torch.uint8, device=device)
        try:
            with autocast(device, amp):
                loss = task.loss(twin, take(worst, samples, size))["loss"]
            loss.backward()
            loss.item()  # Waits for the device.
        finally:
            del reserved
            twin.zero_grad(set_to_none=True)

    with _untouched(task, device):
        return probe_memory(attempt, size if wanted is None else wanted, agree=agree)


def check_batch_fits(
    task: Task,
    batch: Mapping[str, Any],
    *,
    device: torch.device,
    amp: Amp,
    agree: Callable[[bool], bool],
    batch_size: int,
    accumulate: int = 1,
    global_batch_size: int | None = None,
    world: int = 1,
    optimizer: torch.optim.Optimizer | None = None,
) -> None:
    """Run `largest_batch` on a CUDA device and raise where the batch does not fit; elsewhere nothing is done.

    Args:
        task, batch, device, amp, agree: see `largest_batch`.
        batch_size: samples of a process and micro-batch.
        accumulate: micro-batches of an optimiser step.
        global_batch_size: the setting, where `batch_size` follows from it.
        world: number of processes.
        optimizer: of the network, whose state is yet to be made.

    Raises:
        UserError: how many samples fit, and what to set; in all processes.
    """
    if device.type != "cuda":
        return
    reserve = later_bytes(task.model, optimizer, buckets=world > 1 or accumulate > 1)
    # Where samples cannot be shared out evenly, processes have different batches.
    size = -(-task.samples_per_step // (world * accumulate))
    fitting = largest_batch(task, batch, device=device, amp=amp, agree=agree, reserve_bytes=reserve, wanted=size)
    if fitting < size:
        # A batch may hold more samples than `batch_size`: weak supervision replays some beside them.
        raise too_large(
            batch_size, fitting * batch_size // size, place=device_memory(device), accumulate=accumulate,
            global_batch_size=global_batch_size, world=world, size_setting=task.size_setting,
        )  # fmt: skip


def later_bytes(model: nn.Module, optimizer: torch.optim.Optimizer | None, *, buckets: bool) -> int:
    """Return the bytes that a run takes beside a forward and a backward pass and has not taken yet.

    Args:
        model: the network.
        optimizer: Adam, AdamW and Adadelta make two tensors for each parameter in their first step.
        buckets: gradients exist during the forward pass, too: in the buckets of `DistributedDataParallel`, or those
            that are being accumulated.
    """
    learnt = _bytes(parameter for parameter in model.parameters() if parameter.requires_grad)
    states = 2 if optimizer is not None and not optimizer.state else 0
    return (states + int(buckets)) * learnt


def take(batch: Mapping[str, Any], samples: int, size: int) -> dict[str, Any]:
    """Return the first samples of a batch of `size`: of all tensors, arrays and lists with an entry for each sample."""

    def part(value: Any) -> Any:
        counted = isinstance(value, (list, tuple)) or (isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0)
        return value[:samples] if counted and len(value) == size else value

    return {name: part(value) for name, value in batch.items()}


def free_memory() -> None:
    """Give back what a failed attempt left behind, so that the next one finds the device as it was."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _out_of_memory(attempt: Callable[[int], None], samples: int) -> bool:
    # The error holds the frames of the attempt, and so its tensors: it is gone when this function has returned.
    try:
        attempt(samples)
    except RuntimeError as fault:
        if not is_out_of_memory(fault):
            raise
        return True
    return False


def _twin(model: nn.Module) -> nn.Module:
    twin = separate_batch_norms(copy.deepcopy(model)).train()
    for module in twin.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()  # Copies lie apart, which cuDNN would take further memory for.
    return twin


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@contextlib.contextmanager
def _untouched(task: Task, device: torch.device) -> Iterator[None]:
    """Put back the random numbers, and what the task has counted."""
    state = task.state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        if task.state() != state:  # Restoring what has not changed may be slow.
            task.restore(state)
