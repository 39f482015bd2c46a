"""Writing files so that nobody ever finds an incomplete one, not even after a crash or a power cut.

A file is written under a temporary name beside its final place, flushed to the disk and renamed; then the folder is
flushed as well.
"""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from filelock import FileLock, Timeout

PART = ".part"
"""Suffix of files and folders that are not complete yet."""
_SYNCS = 16
_READ_TO_SYNC = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # Windows syncs only what is open for writing.


def sync(path: Path) -> None:
    """Flush a file, or a folder's list of names, to the disk, if the system supports that.

    Raises:
        OSError: it does not exist, or the disk is full.
    """
    try:
        handle = os.open(path, _READ_TO_SYNC)
    except PermissionError:  # Windows does not open folders
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(handle)


def sync_all(paths: Iterable[Path]) -> None:
    """Flush many files to the disk, several at a time, because a file system can write them together."""
    with ThreadPoolExecutor(_SYNCS) as threads:
        for _ in threads.map(sync, paths):
            pass


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and flush it to the disk; for a place that nobody reads before the file is complete."""
    path.write_bytes(data)
    sync(path)


def part_of(path: Path) -> Path:
    """Return a unique temporary name in the folder of `path`, for what will be renamed to `path`."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.{os.getpid()}{PART}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name to write a file under. At the end it is renamed to `path`, or removed after an error.

    An older file at `path` stays until the new one is complete on the disk. Several processes may do this at once.

    Raises:
        OSError: it cannot be written; what was there before stays.
    """
    temporary = part_of(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        with contextlib.suppress(OSError):  # such as a file where the folder should be
            temporary.unlink(missing_ok=True)


def move(folder: Path, place: Path) -> None:
    """Rename a folder, and flush the renaming to the disk.

    Raises:
        OSError: `place` exists already, or cannot be written.
    """
    os.rename(folder, place)
    sync(place.parent)


def try_lock(lock: FileLock) -> bool | None:
    """Take a lock without waiting. The system releases it when the process ends, even if it is killed.

    Returns:
        True if it was taken, False if another process has it, None if the file system has no locks or the file of the
        lock cannot be written.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError:
        return None
    return True
