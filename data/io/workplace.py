"""The hidden folder that a running job writes into, and removing the folders of killed jobs.

A job writes its files into `OUT/.partial-<host>-<token>` and moves them to their final places when they are complete.
Beside the folder lies a `.lock` that the job holds; the system releases it when the job ends, even if it is killed. So
on one host a folder whose lock is free belongs to no job, and the next job removes it; this also works where process
ids repeat, as in containers. Whether a lock of another host is visible depends on the file system, so folders of other
hosts are removed only if nothing in them has changed for a day.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from data.io.durable import try_lock

_PREFIX, _LOCK = ".partial-", ".lock"
_ABANDONED_SECONDS = 24 * 3600


@contextlib.contextmanager
def open_workplace(root: Path) -> Iterator[Path]:
    """Make a job's folder in `root`, with its parents; at the end remove it with everything that is left in it.

    Raises:
        OSError: it cannot be made.
    """
    new = [folder for folder in (root, *root.parents) if not folder.exists()]
    root.mkdir(parents=True, exist_ok=True)
    try:
        remove_abandoned(root)
        folder, lock = _claim(root)
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            # The lock is removed last: a folder without a lock would be taken for an abandoned one.
            _remove_lock(lock)
    finally:
        with contextlib.suppress(OSError):  # not empty, which is the usual case
            for made in new:
                made.rmdir()


def remove_abandoned(root: Path) -> None:
    """Remove the folders in `root` of jobs that have ended without removing them."""
    for folder in {path.with_name(path.name.removesuffix(_LOCK)) for path in root.glob(f"{_PREFIX}*")}:
        if folder.name.startswith(_host_prefix()):
            _remove_if_unlocked(folder)
        elif time.time() - _last_change(folder) > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
            _path_of_lock(folder).unlink(missing_ok=True)


def _claim(root: Path) -> tuple[Path, FileLock]:
    """Choose a name and take its lock before the folder is made, so that the folder is never without a lock."""
    while True:
        folder = root / f"{_host_prefix()}{uuid.uuid4().hex[:12]}"
        lock = FileLock(_path_of_lock(folder))
        taken = try_lock(lock)
        if taken is None:  # a file system without locks, or a folder that cannot be written, which raises here
            _path_of_lock(folder).touch()
        # Otherwise a job that removes abandoned folders has just taken this lock.
        if taken is not False and _path_of_lock(folder).exists():
            return folder, lock
        lock.release()


def _remove_if_unlocked(folder: Path) -> None:
    lock = FileLock(_path_of_lock(folder))
    if not try_lock(lock):  # held, or the file system has no locks: then nothing is known, and nothing is removed
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        lock.release()
    else:
        _remove_lock(lock)


def _remove_lock(lock: FileLock) -> None:
    lock.release()  # first, for Windows, which removes no open file
    with contextlib.suppress(OSError):  # another job has it open at this moment
        Path(lock.lock_file).unlink(missing_ok=True)


def _host_prefix() -> str:
    host = re.sub(r"[^A-Za-z0-9_]", "_", socket.gethostname()) or "host"
    return f"{_PREFIX}{host}-"


def _path_of_lock(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _last_change(folder: Path) -> float:
    """Return when a folder or a folder in it was last changed, in seconds; files do not matter."""
    latest = 0.0
    for path in (_path_of_lock(folder), folder, *(Path(parent) for parent, _, _ in os.walk(folder))):
        with contextlib.suppress(OSError):
            latest = max(latest, path.stat().st_mtime)
    return latest
