"""Joining the process group of a run, and reporting why it ended.

The environment is torchrun's: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT. Tensors on GPUs go over NCCL,
values for decisions go over gloo. A process that ends with an error writes the reason to the shared store; the other
processes, whose next collective fails, read it there and report it.
"""

from __future__ import annotations

import datetime
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from config.errors import UserError
from utils.distributed import restarts
from utils.distributed.neighbours import neighbours_watched
from utils.distributed.processes import ALONE, Processes

log = logging.getLogger(__name__)

WITH_LIBUV = "0" if os.name == "nt" else "1"
"""Whether the store that processes meet at uses libuv, as torch has it; torch for Windows is built without."""
_PATIENCE_S = 5.0
"""How long a process waits, after a failed collective, for the reason and for the other processes to report."""


class PeerLost(Exception):
    """Another process of the run has ended; that process itself reports the reason."""


def environment() -> Processes:
    """Return the ranks of this process from torchrun's environment variables; `ALONE` without them.

    Raises:
        UserError: a variable is missing or is not a number.
    """
    world = _integer("WORLD_SIZE", 1)
    if world == 1:
        return ALONE
    for name in ("RANK", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"):
        if name not in os.environ:
            raise UserError(f"WORLD_SIZE is {world} but {name} is not set; start the processes with torchrun")
    return Processes(_integer("RANK", 0), world, _integer("LOCAL_RANK", 0))


def _integer(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal():
        raise UserError(f"the environment's {name} is {value!r}, which is no number; start the processes with torchrun")
    return int(value)


@contextmanager
def joined(processes: Processes, device: torch.device, timeout_s: float) -> Iterator[None]:
    """Let the processes of a run exchange tensors and values while the context lasts.

    Args:
        processes: those of the run.
        device: of this one.
        timeout_s: seconds that a process waits for the others.

    Raises:
        PeerLost: another process ended first.
        UserError: the others cannot be reached.
    """
    if processes.world == 1:
        yield
        return
    # Windows has no NCCL; there gloo takes tensors on GPUs, too.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" and dist.is_nccl_available() else "gloo"
    os.environ.setdefault("USE_LIBUV", WITH_LIBUV)
    timeout = datetime.timedelta(seconds=timeout_s)
    try:
        # The store may still hold keys of earlier starts of the run.
        shared = next(rendezvous("env://", processes.rank, processes.world, timeout=timeout))[0]
        shared.set_timeout(timeout)
        store = dist.PrefixStore(restarts.agree(shared, processes, timeout_s), shared)
        dist.init_process_group(
            backend,
            store=store,
            rank=processes.rank,
            world_size=processes.world,
            timeout=timeout,
            device_id=device if "nccl" in backend else None,
        )
    except (RuntimeError, ValueError) as fault:
        if not isinstance(fault, dist.DistStoreError | dist.DistNetworkError | ValueError) and not _is_of_gloo(fault):
            raise
        raise UserError(
            f"process {processes.rank} of {processes.world} cannot reach the others at "
            f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')} ({str(fault).splitlines()[0]})"
        ) from fault
    on_gpu = "nccl" in backend
    try:
        with neighbours_watched(processes, partial(_reason, store, processes)) if on_gpu else nullcontext():
            yield
    except RuntimeError as fault:
        if not isinstance(fault, dist.DistError) and not _is_of_gloo(fault):
            _leave_reason(store, processes, fault)
            raise
        raise PeerLost(_reason(store, processes, fault)) from None
    except BaseException as fault:
        _leave_reason(store, processes, fault)
        raise
    else:
        dist.destroy_process_group()


def _is_of_gloo(fault: RuntimeError) -> bool:
    """Tell whether an error comes from gloo: its errors have no special type, but name its source file."""
    text = str(fault)
    return "gloo" in text or "Connection closed by peer" in text or "Connection reset by peer" in text


def _leave_reason(store: dist.Store, processes: Processes, fault: BaseException) -> None:
    """Write to the store why this process ends; only the first reason is kept."""
    sentence = " ".join(str(fault).split()) or type(fault).__name__
    if not isinstance(fault, UserError):
        sentence = f"{type(fault).__name__}: {sentence}"
    try:
        who = f"process {processes.rank} on {socket.gethostname()}"
        store.compare_set("reason", "", f"{who}: {sentence[:2000]}")
    except (RuntimeError, dist.DistError):
        log.debug("the store of the run is gone", exc_info=True)


def _reason(store: dist.Store, processes: Processes, fault: BaseException | None) -> str:
    """Return why a collective failed: the reason that another process wrote, or which processes do not answer."""
    detail = f" ({str(fault).splitlines()[0]})" if fault is not None and str(fault) else ""
    try:
        store.set_timeout(datetime.timedelta(seconds=_PATIENCE_S))
        store.set(f"alive/{processes.rank}", socket.gethostname())
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            if store.check(["reason"]):
                return store.get("reason").decode()
            time.sleep(0.1)
        lost = [rank for rank in range(processes.world) if not store.check([f"alive/{rank}"])]
    except (RuntimeError, dist.DistError):
        return f"the machine that hosts the store of the run is gone{detail}"
    if not lost:
        return f"an exchange between the processes failed{detail}"
    names = f"process{'es' * (len(lost) > 1)} {', '.join(map(str, lost))}"
    return f"{names} of {processes.world} stopped answering: killed, out of memory, or the machine is gone"
