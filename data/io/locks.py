"""Locks between processes. The system releases them when the process ends, even if it is killed."""

from __future__ import annotations

from filelock import FileLock, Timeout


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
