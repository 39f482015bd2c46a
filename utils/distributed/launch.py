"""Starting the processes of a run on one machine without torchrun.

The processes get the same environment variables as from torchrun. Unlike torchrun's agent, this launcher forwards
signals and returns the exit status of the processes, so a run that stopped on a signal and saved exits with 0.
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
"""Seconds that the other processes have, after one has failed, to notice it and to report it."""
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
        threads: CPU threads of each process, unless OMP_NUM_THREADS is set; None does not set them.

    Returns:
        0 if all exited with 0; otherwise the exit status of the first process that failed, or 128 + the signal number.
    """
    # The launcher hosts the store: it lives longer than the processes, and its port is reserved from the beginning.
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

    def pass_on(signum: int, _frame: FrameType | None) -> None:
        for process in running:
            if process.poll() is None:
                process.send_signal(_to_child(signum))

    former = {signum: signal.signal(signum, pass_on) for signum in _PASSED_ON}
    try:
        for rank in range(count):
            ranks = {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            # In a new session, Ctrl-C on a terminal reaches the process only once, forwarded by this launcher.
            running.append(subprocess.Popen(command, env={**os.environ, **shared, **ranks}, **_APART))
        return _wait(running)
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
        for signum, handler in former.items():
            signal.signal(signum, handler)


def _to_child(signum: int) -> int:
    """Return the signal to pass on. On Windows, only Ctrl-Break reaches a child process without ending it at once."""
    return signal.CTRL_BREAK_EVENT if os.name == "nt" else signum  # type: ignore[attr-defined]


def _wait(running: Sequence[subprocess.Popen]) -> int:
    """Wait for all processes; after a failure, wait for at most `GRACE_S`."""
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
