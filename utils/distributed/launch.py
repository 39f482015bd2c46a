"""Starting the processes of a run on one machine, for those who do not use torchrun.

The environment they get is torchrun's. Unlike its agent this launcher passes signals on and returns the processes' own
exit status, so that a run that was asked to stop, and has saved, has ended well.
"""

from __future__ import annotations

import datetime
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import torch.distributed as dist

from utils.distributed.group import WITH_LIBUV

log = logging.getLogger(__name__)

_POLL_S = 0.1
GRACE_S = 30.0
"""How long the others may take to find out by themselves that one process has failed, and to say so."""
_PASSED_ON = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]  # fmt: skip

_APART = {"creationflags": 0x200} if os.name == "nt" else {"start_new_session": True}
"""Starts a process in a group (on Windows) or a session to itself."""


def launch(command: Sequence[str], count: int, threads: int | None = None) -> int:
    """Run a command in `count` processes that find each other, and wait for all of them.

    Args:
        command: the program and its arguments.
        count: number of processes.
        threads: of each one's CPU work, where OMP_NUM_THREADS does not say; None leaves it to each.

    Returns:
        0 where all ended well; else the exit status of the first one that did not, 128 + number for a signal.
    """
    # The launcher keeps the store: it outlives any of the processes, and its port is taken from the beginning.
    store = dist.TCPStore(
        "127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=datetime.timedelta(seconds=GRACE_S),
        use_libuv=WITH_LIBUV == "1",
    )  # fmt: skip
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(store.port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "USE_LIBUV": WITH_LIBUV,
    }
    if threads is not None:
        shared["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", str(threads))
    running: list[subprocess.Popen] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for process in running:
            if process.poll() is None:
                process.send_signal(_to_child(number))

    former = {number: signal.signal(number, pass_on) for number in _PASSED_ON}
    try:
        for rank in range(count):
            own = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            # A session of its own: Ctrl-C on a terminal reaches it through this process, once.
            running.append(subprocess.Popen(command, env={**os.environ, **shared, **own}, **_APART))
        return _wait(running)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
        for number, handler in former.items():
            signal.signal(number, handler)


def _to_child(number: int) -> int:
    """Return the signal that passes one on. On Windows only that of Ctrl-Break reaches a process without ending it."""
    return signal.CTRL_BREAK_EVENT if os.name == "nt" else number  # type: ignore[attr-defined]


def _wait(running: Sequence[subprocess.Popen]) -> int:
    """Wait for all; once one has failed, no longer than the grace."""
    failed: int | None = None
    until = float("inf")
    while any(process.poll() is None for process in running) and time.monotonic() < until:
        time.sleep(_POLL_S)
        if failed is None:
            failed = next((rank for rank, process in enumerate(running) if process.poll()), None)
            until = float("inf") if failed is None else time.monotonic() + GRACE_S
    if failed is None:
        failed = next((rank for rank, process in enumerate(running) if process.poll()), None)
    if failed is None:
        return 0
    status = running[failed].poll()
    if status < 0:
        name = signal.Signals(-status).name
        print(f"error: process {failed} of {len(running)} was ended by {name}", file=sys.stderr)
        return 128 - status
    return status
