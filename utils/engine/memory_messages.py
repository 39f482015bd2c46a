"""The messages to the user about a batch that does not fit into the memory of the device."""

from __future__ import annotations

import functools

import torch

from config.errors import UserError
from config.schema.run import RunConfig
from utils.engine.task import Task

GIB = 2**30
_NOTABLE = GIB
"""Memory of other programs is mentioned from this size on; the CUDA context of this process takes half of it."""


def too_large(
    batch_size: int,
    fitting: int,
    *,
    place: str,
    size_setting: str,
    accumulate: int = 1,
    global_batch_size: int | None = None,
    world: int = 1,
) -> UserError:
    """Return the error about a batch that does not fit.

    Args:
        batch_size, accumulate, global_batch_size, world: see `check_batch_fits`.
        fitting: number of samples that fit, less than `batch_size`.
        place: the device and its memory, such as "79.1 GiB of cuda:0".
        size_setting: see `Task`.
    """
    if fitting < 1:
        return UserError(f"not even one sample fits into {place}; lower {size_setting}")
    whole = batch_size * accumulate
    # The same step in smaller micro-batches: the gradient is the same except for the effect of batch norms.
    parts = next(parts for parts in range(accumulate + 1, whole + 1) if not whole % parts and whole // parts <= fitting)
    if global_batch_size is not None:
        shared = f"train.global_batch_size={global_batch_size} over {world} process{'es' if world > 1 else ''}"
        shared += f" and accumulate={accumulate}" if accumulate > 1 else ""
        return UserError(
            f"{shared} makes batches of {batch_size}, which do not fit into {place}; {fitting} would "
            f"(train.accumulate={parts} makes batches of {whole // parts})"
        )
    return UserError(
        f"train.batch_size={batch_size} does not fit into {place}; {fitting} does (train.batch_size={fitting}, or "
        f"train.accumulate={parts} with train.batch_size={whole // parts})"
    )


def out_of_memory(task: Task, config: RunConfig) -> str:
    """Return the message about a device that is out of memory, with the settings that decide how much a batch needs."""
    size = functools.reduce(getattr, task.size_setting.split("."), config)
    tests = f" (evaluation: {task.test_size_setting})" if task.test_size_setting else ""
    return (
        f"{task.device} is out of memory with train.batch_size={config.train.batch_size} and {task.size_setting}={size}"
        f"{tests}; lower one of them"
    )


def device_memory(device: torch.device) -> str:
    """Describe the memory of a CUDA device, and how much of it other programs use."""
    free, total = torch.cuda.mem_get_info(device)
    others = total - free - torch.cuda.memory_reserved(device)
    taken = f" ({others / GIB:.1f} GiB of it are taken by other programs)" if others >= _NOTABLE else ""
    return f"{total / GIB:.1f} GiB of {device}{taken}"
