"""Writing files so that a reader, or the next start after a crash or a power cut, never meets half of one.

Everything is written beside its place, brought to the disk and renamed; the renaming is brought to the disk as well.
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
"""Ending of files and folders that are not whole yet."""
_SYNCS = 16
_READ_TO_SYNC = os.O_RDWR if os.name == "nt" else os.O_RDONLY  # Windows syncs only what is open for writing.


def sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk, where the system can be asked to.

    Raises:
        OSError: it is not there, or the disk is full.
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
    """Bring many files to the disk, several at a time, for a file system writes them together."""
    with ThreadPoolExecutor(_SYNCS) as threads:
        for _ in threads.map(sync, paths):
            pass


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and bring it to the disk, for a place that nobody reads before it is whole."""
    path.write_bytes(data)
    sync(path)


def part_of(path: Path) -> Path:
    """Return a name beside `path`, used by nobody else, for what will be renamed to it."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.{os.getpid()}{PART}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write a file under, which takes the place of `path` at the end, or is removed after an error.

    Whatever stood at `path` stays until the new file is whole on the disk. Processes that write it at once do not meet.

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
    """Rename a folder, and bring that to the disk.

    Raises:
        OSError: something is at `place` already, or it cannot be written.
    """
    os.rename(folder, place)
    sync(place.parent)


def try_lock(lock: FileLock) -> bool | None:
    """Take a lock without waiting.

    Returns:
        True where it was taken, False where another process has it, None where the file system has no locks or the
        file of the lock cannot be written.
    """
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError:
        return None
    return True
