"""The lives of a run: torchrun starts the processes again after a failure, and the store of the run outlives them.

Whatever a process reads there may have been left by one that is dead: addresses, counts, reasons. A life therefore has
a name that its processes agree upon first, and keeps all it writes below that name. torchrun's own count of restarts is
no such name: each agent counts for itself, and an agent that was started again, or that restarted its processes because
another one came back, has not counted at all. What two lives have in common is an agent that was there in both.
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
    """Return a name for this life of the run, the same in all of its processes and never used before.

    The main process makes it up and hands it to whoever asks. A question is answered under a name of its own, so that
    nobody takes an answer of an earlier life; old questions are answered once more, and nobody listens.

    Args:
        store: of the run, which all of the processes reach.
        processes: those of the run.
        timeout_s: seconds after which waiting for the others is given up.

    Raises:
        UserError: not all of them came.
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
    """Return whether to resume and whether to begin anew; in a first life that is what the user said.

    A later life resumes what an earlier one has saved, or begins anew. It is a later one if the run in the folder was
    begun, or gone on with, under one of the agents that are here now. So a run that was refused because its name is
    taken does not go on with the older run of that name when torchrun tries again.

    Args:
        folder: the run's.
        processes: those of the run, which all call this.
        resume: the user asked for it.
        fresh: the user asked for it.
    """
    agents = processes.gather(_agent())
    counted = processes.max(int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))) > 0
    if processes.is_main:
        name, before = _noted(folder)
        # A program between the agent and the process hides the agent; then its count and its run's name must do.
        if set(before) & {agent for agent in agents if agent} or (counted and name == _run_name()):
            held = bool(folder.resumable())
            resume, fresh = held, not held
    return processes.broadcast((resume, fresh))


def note(folder: RunFolder, processes: Processes) -> None:
    """Write into a run's folder which agents of torchrun lead it; all of its processes call this."""
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
    """Return what tells the agent that started this process from all others, None without one."""
    if not _run_name():
        return None
    pid = os.getppid()
    try:
        # The 22nd field is the time of its start; the second one, in brackets, may hold blanks.
        begun = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        begun = ""
    return f"{socket.gethostname()} {pid} {begun}".strip()
