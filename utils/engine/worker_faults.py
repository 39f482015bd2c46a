"""Messages about loader processes that died. PyTorch raises the error from a signal handler, at any time."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import BrokenExecutor
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
"""Where loader processes put their batches on Linux."""

_DIED = re.compile(
    r"DataLoader worker \(pid(?:\(s\))? (?P<pids>[\d, ]+)\) (?:is killed by signal: (?P<signal>[\w ]+)|exited)"
)

_MEMORY = (
    "the usual reason is a lack of memory (dmesg, or the cluster's job report, tells): lower train.num_workers or "
    "train.batch_size, or ask for more memory"
)


def died(fault: BaseException) -> tuple[str, str] | None:
    """Return the ids of dead loader processes that an error names, and the signal or ""; None for other errors."""
    found = _DIED.search(str(fault)) if isinstance(fault, RuntimeError) else None
    return None if found is None else (found["pids"].strip(), (found["signal"] or "").strip())


def sentence(fault: BaseException) -> str | None:
    """Return the message to the user about an error that a dead loader process caused; None for other errors."""
    if isinstance(fault, BrokenExecutor):
        return f"a helper process was ended by the system; {_MEMORY}"
    known = died(fault)
    if known is None:
        return _no_shared_memory(fault)
    pids, signal = known
    what = f"a loader process (pid {pids}) was ended by the system"
    if signal:
        what = f"a loader process (pid {pids}) was ended by the signal {signal!r}"
    if signal == "Bus error":
        return f"{what}: {_shared_memory()}"
    return f"{what}; {_MEMORY}"


def _no_shared_memory(fault: BaseException) -> str | None:
    text = str(fault)
    if isinstance(fault, (RuntimeError, OSError)) and "shared memory" in text:
        return f"a batch could not be handed over: {_shared_memory()}"
    return None


def _shared_memory() -> str:
    size = ""
    if SHARED_MEMORY.is_dir():
        usage = shutil.disk_usage(SHARED_MEMORY)
        size = f" ({SHARED_MEMORY} has {usage.total / 2**20:.0f} MiB, {usage.free / 2**20:.0f} free)"
    return (
        f"shared memory is short{size}; give the container more (docker run --shm-size=8g, or an emptyDir of medium "
        "Memory), or lower train.num_workers or train.batch_size"
    )
