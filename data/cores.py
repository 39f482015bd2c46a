"""How many CPU cores this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def available_cores(cgroups: Path = _CGROUPS) -> int:
    """Return how many cores this process may use, at least 1; in containers and batch jobs often not all cores.

    It is the least of the cores there are, those the process is bound to (`taskset`, Slurm) and the CPU time that its
    control group may use (`docker run --cpus`, the limits of Kubernetes), rounded up.

    Args:
        cgroups: folder in which the system shows the control group, version 2 or 1.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, _quota(cgroups) or cores))


def _quota(cgroups: Path) -> int | None:
    """Return the CPU time of the control group as a number of cores, rounded up, or None if it has no limit."""
    try:
        if (cgroups / "cpu.max").exists():
            allowed, period = (cgroups / "cpu.max").read_text().split()
        else:
            allowed, period = ((cgroups / "cpu" / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        return None if allowed == "max" or int(allowed) < 0 else -(-int(allowed) // int(period))
    except (OSError, ValueError):  # Other systems have no such files.
        return None
