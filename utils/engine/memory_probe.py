"""Finds out before the first iteration whether a batch fits into the device, and if not, how many samples do.

Without this check, a run may fail after hours, when the first very wide batch comes. So the first batch is enlarged to
the worst case that the settings allow, and run forward and backward. If that fails, bisection finds the largest number
of samples that fits, and the error message says what to set.
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
    """Return how many samples fit, up to `batch_size`; 0 if not even a single sample fits.

    Every process must call this with the same `batch_size`, and all of them get the same answer.

    Args:
        attempt: runs the given number of samples; it must not wait for other processes when it is out of memory.
        batch_size: the wanted number of samples; it is tried first, and if it fits, nothing else is tried.
        agree: returns whether its argument is true in any process (`Processes.any`).
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
    """Return how many samples of the worst batch that the settings allow fit into a training step of the task.

    The probe runs a copy of the network: the network itself, its gradients and buffers, the random state and the state
    of the task do not change. `DistributedDataParallel` must not see the probe: with a static graph it would take the
    probe for the first iteration, and would silently stop averaging gradients. The batch norms of the copy do not
    communicate, because a process that is out of memory would leave the others waiting.

    Args:
        task: the job; its `model` is the bare network.
        batch: what `task.collate` returned, on the device.
        device, amp: of the run.
        agree: see `probe_memory`.
        reserve_bytes: memory that the run will need in addition (see `later_bytes`).
        wanted: samples in the largest batch of all processes, the same value in each process; None takes the size of
            `batch`.
    """
    size = len(batch["image"])
    reserve_bytes = max(0, reserve_bytes - _bytes(task.model.parameters()))  # The copy takes this much already.

    @functools.cache
    def made() -> tuple[nn.Module, Mapping[str, Any]]:
        return _twin(task.model), task.worst_batch(batch)

    def attempt(samples: int) -> None:
        # Made in the first attempt, so that the other processes also learn of a lack of memory that occurs here.
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
    """Run `largest_batch` on a CUDA device and raise if the batch does not fit; on other devices do nothing.

    Args:
        task, batch, device, amp, agree: see `largest_batch`.
        batch_size: samples of a process and micro-batch.
        accumulate: micro-batches of an optimiser step.
        global_batch_size: the setting, if `batch_size` was computed from it.
        world: number of processes.
        optimizer: of the network; its state may not exist yet.

    Raises:
        UserError: how many samples fit, and what to set; in all processes.
    """
    if device.type != "cuda":
        return
    reserve = later_bytes(task.model, optimizer, buckets=world > 1 or accumulate > 1)
    # The largest batch: if samples cannot be divided evenly, batches of the processes differ in size.
    size = -(-task.samples_per_step // (world * accumulate))
    fitting = largest_batch(task, batch, device=device, amp=amp, agree=agree, reserve_bytes=reserve, wanted=size)
    if fitting < size:
        # A batch may hold more samples than `batch_size`: weak supervision adds replayed samples.
        raise too_large(
            batch_size, fitting * batch_size // size, place=device_memory(device), accumulate=accumulate,
            global_batch_size=global_batch_size, world=world, size_setting=task.size_setting,
        )  # fmt: skip


def later_bytes(model: nn.Module, optimizer: torch.optim.Optimizer | None, *, buckets: bool) -> int:
    """Return the bytes that a run will allocate later, in addition to a forward and a backward pass.

    Args:
        model: the network.
        optimizer: Adam, AdamW and Adadelta allocate two tensors for each parameter in their first step.
        buckets: whether gradients exist during the forward pass, too: in the buckets of `DistributedDataParallel`,
            or because they are accumulated.
    """
    learnt = _bytes(parameter for parameter in model.parameters() if parameter.requires_grad)
    states = 2 if optimizer is not None and not optimizer.state else 0
    return (states + int(buckets)) * learnt


def take(batch: Mapping[str, Any], samples: int, size: int) -> dict[str, Any]:
    """Return the first `samples` of a batch of `size`: tensors, arrays and lists with `size` entries are cut."""

    def part(value: Any) -> Any:
        counted = isinstance(value, (list, tuple)) or (isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0)
        return value[:samples] if counted and len(value) == size else value

    return {name: part(value) for name, value in batch.items()}


def free_memory() -> None:
    """Free the memory that a failed attempt left behind, so that the next attempt has all of it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _out_of_memory(attempt: Callable[[int], None], samples: int) -> bool:
    # The error refers to the frames of the attempt, and so to its tensors; both are freed when this function returns.
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
            module.flatten_parameters()  # Copied weights are not contiguous; cuDNN would join them in further memory.
    return twin


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


@contextlib.contextmanager
def _untouched(task: Task, device: torch.device) -> Iterator[None]:
    """Restore the random state and the state of the task on exit."""
    state = task.state()
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            yield
    finally:
        if task.state() != state:  # Restoring may be slow.
            task.restore(state)
