"""Runs a function in real processes that talk through gloo."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def in_processes(world: int, work: Callable[..., Any], folder: Path, *arguments: Any) -> list[Any]:
    """Return what `work(rank, world, *arguments)` gave in each of `world` processes; tensors and plain values."""
    folder.mkdir(parents=True, exist_ok=True)
    # A server that has imported torch once is forked, which takes a tenth of the time of a process from scratch.
    multiprocessing.set_forkserver_preload(["torch", "torch.distributed", "torch.nn.parallel"])
    mp.start_processes(_run, (world, work, folder, arguments), nprocs=world, start_method="forkserver")
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world)]


def _run(rank: int, world: int, work: Callable[..., Any], folder: Path, arguments: tuple[Any, ...]) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(1)
    store = dist.FileStore(str(folder / "store"), world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world, timeout=timedelta(seconds=60))
    try:
        torch.save(work(rank, world, *arguments), folder / f"{rank}.pt")
    finally:
        dist.destroy_process_group()
