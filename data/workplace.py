"""The hidden folder of a job that is at work, and what killed jobs left behind.

A job writes its files into `OUT/.partial-<host>-<token>` and moves them to their places when they are whole. Beside the
folder lies a `.lock` that the job holds; the system lets go of it when the job ends, in whatever way. So on one host
a folder whose lock can be had belongs to nobody and is removed by the next job; that is sure even where process
numbers repeat, as in containers. Whether a lock of another host is seen depends on the file system: folders of other
hosts are removed only when nothing in them has changed for a day.
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

from data.durable import try_lock

_PREFIX, _LOCK = ".partial-", ".lock"
_ABANDONED_SECONDS = 24 * 3600


@contextlib.contextmanager
def open_workplace(root: Path) -> Iterator[Path]:
    """Make a job's folder in `root`, with its parents, and remove it at the end with all that is left in it.

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
            # The lock goes last: a folder without one would be nobody's.
            _remove_lock(lock)
    finally:
        with contextlib.suppress(OSError):  # somebody put something there, as is the rule
            for made in new:
                made.rmdir()


def remove_abandoned(root: Path) -> None:
    """Remove the folders in `root` of jobs that have ended without doing so."""
    for folder in {path.with_name(path.name.removesuffix(_LOCK)) for path in root.glob(f"{_PREFIX}*")}:
        if folder.name.startswith(_own_prefix()):
            _remove_if_unlocked(folder)
        elif time.time() - _last_change(folder) > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
            _path_of_lock(folder).unlink(missing_ok=True)


def _claim(root: Path) -> tuple[Path, FileLock]:
    """Find a name and take its lock before the folder is there, so that the folder never is without."""
    while True:
        folder = root / f"{_own_prefix()}{uuid.uuid4().hex[:12]}"
        lock = FileLock(_path_of_lock(folder))
        taken = try_lock(lock)
        if taken is None:  # a file system without locks, or a folder that cannot be written, which raises here
            _path_of_lock(folder).touch()
        # Otherwise a job that was clearing up has, or had, it in this moment.
        if taken is not False and _path_of_lock(folder).exists():
            return folder, lock
        lock.release()


def _remove_if_unlocked(folder: Path) -> None:
    lock = FileLock(_path_of_lock(folder))
    if not try_lock(lock):  # where the file system has no locks, nothing is known and nothing removed
        return
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        lock.release()
    else:
        _remove_lock(lock)


def _remove_lock(lock: FileLock) -> None:
    lock.release()  # first, for Windows, which removes no open file
    with contextlib.suppress(OSError):  # another job looks at it in this moment
        Path(lock.lock_file).unlink(missing_ok=True)


def _own_prefix() -> str:
    host = re.sub(r"[^A-Za-z0-9_]", "_", socket.gethostname()) or "host"
    return f"{_PREFIX}{host}-"


def _path_of_lock(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK)


def _last_change(folder: Path) -> float:
    """Return the latest time of change of a folder and the folders in it, seconds; files need not be asked."""
    latest = 0.0
    for path in (_path_of_lock(folder), folder, *(Path(parent) for parent, _, _ in os.walk(folder))):
        with contextlib.suppress(OSError):
            latest = max(latest, path.stat().st_mtime)
    return latest
