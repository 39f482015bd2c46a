"""Ending a process whose peer has died while it waits for the GPU.

What the processes decide goes over gloo, where a dead peer is noticed at once. But a process that waits for its GPU,
and its GPU for an exchange of NCCL, learns nothing until NCCL's watchdog ends it without a sentence, after
`train.timeout_s`. So a thread of each process listens to the next process, in a ring, over a gloo group of its own.
Nothing is sent there before the end of the run: what comes earlier is the end of the connection, and so of a process,
or word of it from a process that lost the connection.
"""

from __future__ import annotations

import datetime
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import torch
import torch.distributed as dist

from utils.distributed.processes import Processes

GRACE_S = 15.0
"""How long a process may take to notice by itself that a peer is gone, and to say so, before it is ended."""
_FOR_EVER = datetime.timedelta(days=365)


@contextmanager
def neighbours_watched(processes: Processes, reason: Callable[[RuntimeError | None], str]) -> Iterator[None]:
    """End this process with status 1 and one sentence where it outlives a peer by more than `GRACE_S`.

    All processes enter, and those that leave without an error leave together.

    Args:
        processes: those of the run, two or more, which have been joined.
        reason: returns why an exchange failed, given its fault where there was one.
    """
    group = dist.new_group(backend="gloo", timeout=_FOR_EVER)
    after, before = (processes.rank + 1) % processes.world, (processes.rank - 1) % processes.world
    # Connections are made here, by both ends: a peer that dies before its first message is noticed, too.
    dist.all_reduce(torch.zeros(1), group=group)
    left = threading.Event()

    def listen() -> None:
        word, fault = torch.zeros(1), None
        try:
            dist.recv(word, src=after, group=group)
            if not word:
                return
        except RuntimeError as closed:
            fault = closed
        with suppress(RuntimeError):
            dist.send(torch.ones(1), dst=before, group=group)
        if not left.wait(GRACE_S):
            print(f"error: process {processes.rank} stopped: {reason(fault)}", file=sys.stderr, flush=True)
            os._exit(1)

    listener = threading.Thread(target=listen, name="neighbours", daemon=True)
    listener.start()
    try:
        yield
        processes.barrier()
        dist.send(torch.zeros(1), dst=before, group=group)
        listener.join()
    finally:
        left.set()
