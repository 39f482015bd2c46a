"""Restarts of a run: torchrun starts the processes again after a failure, but the store of the run stays.

What a process reads in the store (addresses, counts, reasons) may come from a process that has ended. Therefore the
processes first agree on a name for this start of the run, and prefix all their keys with it. torchrun's restart count
is not unique enough: each agent counts for itself, and does not count if the agent itself was started again or if it
restarted its processes because another agent came back. Two starts belong to the same run if they share an agent.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from pathlib import Path

import torch.distributed as dist

from config.errors import UserError
from utils.distributed.processes import Processes
from utils.files import write_text
from utils.run.folder import RunFolder

_ROOT = "ocr"
_POLL_S = 0.02


def agree(store: dist.Store, processes: Processes, timeout_s: float) -> str:
    """Return a unique name for this start of the run, the same in all of its processes.

    The main process generates it and sends it to each process that asks. Each question has a unique key for its answer,
    so that no process takes an answer of an earlier start; questions of earlier starts are answered again without
    effect.

    Args:
        store: the store of the run, which all processes can reach.
        processes: those of the run.
        timeout_s: seconds that a process waits for the others.

    Raises:
        UserError: a process is missing.
    """
    identifier = uuid.uuid4().hex
    until = time.monotonic() + timeout_s
    if not processes.is_main:
        store.set(f"{_ROOT}/question/{store.add(f'{_ROOT}/questions', 1)}", identifier)
        while not store.check([f"{_ROOT}/answer/{identifier}"]):
            _wait(until, f"process {processes.rank} of {processes.world} has not heard of process 0", timeout_s)
        name = store.get(f"{_ROOT}/answer/{identifier}").decode()
        store.add(f"{_ROOT}/{name}/heard", 1)
        return name
    answered = 0
    while (heard := store.add(f"{_ROOT}/{identifier}/heard", 0)) < processes.world - 1:
        if store.check([f"{_ROOT}/question/{answered + 1}"]):
            answered += 1
            store.set(f"{_ROOT}/answer/{store.get(f'{_ROOT}/question/{answered}').decode()}", identifier)
        else:
            _wait(until, f"{heard} of the {processes.world - 1} other processes have come", timeout_s)
    return identifier


def _wait(until: float, what: str, timeout_s: float) -> None:
    if time.monotonic() > until:
        raise UserError(f"{what} within {timeout_s:g} s (train.timeout_s): look whether all machines were started")
    time.sleep(_POLL_S)


def how_to_begin(folder: RunFolder, processes: Processes, *, resume: bool, fresh: bool) -> tuple[bool, bool]:
    """Return whether to resume and whether to begin a fresh run; at the first start, these are the user's options.

    A restart resumes from the last checkpoint, or begins a fresh run if there is none. It is a restart if one of the
    present agents has started or continued the run in the folder. So if a run was refused because its name is taken,
    a second attempt of torchrun does not continue the older run of that name.

    Args:
        folder: the run's.
        processes: those of the run, which all call this.
        resume: the option of the user.
        fresh: the option of the user.
    """
    agents = processes.gather(_agent())
    counted = processes.max(int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))) > 0
    if processes.is_main:
        name, before = _noted(folder)
        # A program between the agent and the process hides the agent; then its restart count and run name decide.
        if set(before) & {agent for agent in agents if agent} or (counted and name == _run_name()):
            held = bool(folder.resumable())
            resume, fresh = held, not held
    return processes.broadcast((resume, fresh))


def note(folder: RunFolder, processes: Processes) -> None:
    """Write the torchrun agents of a run into its folder; all of its processes call this."""
    agents = sorted({agent for agent in processes.gather(_agent()) if agent})
    if processes.is_main and (agents or folder.agents.exists()):
        write_text(folder.agents, json.dumps({"run": _run_name(), "agents": agents}) + "\n")


def _noted(folder: RunFolder) -> tuple[str | None, list[str]]:
    try:
        found = json.loads(folder.agents.read_text(encoding="utf-8"))
        return found["run"], list(found["agents"])
    except (OSError, ValueError, KeyError, TypeError):
        return None, []


def _run_name() -> str:
    return os.environ.get("TORCHELASTIC_RUN_ID", "")


def _agent() -> str | None:
    """Return a unique description of the agent that started this process, or None without an agent."""
    if not _run_name():
        return None
    pid = os.getppid()
    try:
        # The 22nd field is the start time; the second field, in brackets, may contain spaces.
        begun = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        begun = ""
    return f"{socket.gethostname()} {pid} {begun}".strip()
