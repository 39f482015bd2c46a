"""Batches of a task, in the order of the run, on the device."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from config.schema.training import Training
from data.order import StreamBatchSampler
from utils.engine.stop import outlast_stop_signals
from utils.engine.task import Task


def batches(
    task: Task, settings: Training, start: int, end: int, device: torch.device
) -> Generator[tuple[dict[str, Any], float], None, None]:
    """Yield the batch of each iteration from `start` up to `end`, and the seconds it was waited for.

    Close the generator when leaving it early: that ends the loader processes.
    """
    loader = DataLoader(
        task.dataset,
        batch_sampler=StreamBatchSampler(task.samples_per_step, start, end),
        collate_fn=task.collate,
        num_workers=settings.num_workers,
        worker_init_fn=_start_worker,
        pin_memory=device.type == "cuda",
    )
    iterator = iter(loader)
    try:
        while True:
            begun = time.perf_counter()
            batch = next(iterator, None)
            if batch is None:
                return
            waited = time.perf_counter() - begun
            yield {name: _to_device(value, device) for name, value in batch.items()}, waited
    except Exception as fault:
        # Without the frames of the loader, which would keep its processes alive as long as the error is held.
        raise fault.with_traceback(None) from None
    finally:
        iterator = None  # Ends the loader processes now.


def _to_device(value: Any, device: torch.device) -> Any:
    return value.to(device, non_blocking=True) if isinstance(value, Tensor) else value


def _start_worker(_number: int) -> None:
    """Prepare a loader process: one thread each, for the processes are the parallelism."""
    outlast_stop_signals()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
