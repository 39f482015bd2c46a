"""The batches of a task in the order of the run, on the device."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Generator
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from config.schema.training import Training
from data.cores import available_cores
from data.order import StreamBatchSampler
from utils.device import to_device
from utils.engine.stop import outlast_stop_signals
from utils.engine.task import Task

Batch = dict[str, Any]


def loader_processes(settings: Training, device: torch.device) -> int:
    """Return how many processes prepare batches; see `Training.num_workers`."""
    if settings.num_workers is not None:
        return settings.num_workers
    cores = available_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    # If the CPU also trains the network, it needs most of the cores for that.
    wanted = min(4, cores // 4) if device.type == "cpu" else min(16, cores - 1)
    return max(1, wanted)


def batches(
    task: Task, settings: Training, sampler: StreamBatchSampler, device: torch.device
) -> Generator[tuple[list[Batch], float], None, None]:
    """Yield the micro-batches of each iteration, and the seconds spent waiting for them.

    Close the generator if you stop early: this ends the loader processes.

    Args:
        task: has the dataset and the collation.
        settings: number of loader processes and of micro-batches in an iteration.
        sampler: the positions of this process's batches.
        device: where the batches go.
    """
    loader = DataLoader(
        task.dataset,
        batch_sampler=sampler,
        collate_fn=task.collate,
        num_workers=loader_processes(settings, device),
        worker_init_fn=_start_worker,
        pin_memory=device.type == "cuda",
    )
    iterator = iter(loader)
    try:
        while True:
            begun = time.perf_counter()
            micro = list(itertools.islice(iterator, settings.accumulate))
            if not micro:
                return
            waited = time.perf_counter() - begun
            yield (
                [
                    {
                        name: to_device(value, device) if isinstance(value, Tensor) else value
                        for name, value in batch.items()
                    }
                    for batch in micro
                ],
                waited,
            )
    except Exception as fault:
        # The frames of the loader would keep its processes alive as long as the error exists.
        raise fault.with_traceback(None) from None
    finally:
        iterator = None  # Ends the loader processes now.


def _start_worker(_index: int) -> None:
    """Prepare a loader process; it uses a single thread, because the processes run in parallel."""
    outlast_stop_signals()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
