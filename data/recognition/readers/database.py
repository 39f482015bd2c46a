"""LMDB databases, opened once in each process.

LMDB cannot open a database twice in one process, but several readers of one database are common, such as a training
set and a test on the same data. So readers share it, and it is closed when the last of them is deleted. Nothing is
locked or written, so the file system may be read-only, and any number of processes may read.
"""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

import lmdb

from config.errors import UserError
from data.readers.sniff import what_is_file

DATA_FILE = "data.mdb"

_open: weakref.WeakValueDictionary[tuple[str, int, int], Database] = weakref.WeakValueDictionary()
_lock = threading.Lock()


class Database:
    """An open database; `open_database` makes it.

    Args:
        path: folder with `data.mdb`, or a database that is a file.

    Raises:
        UserError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._file = path / DATA_FILE if path.is_dir() else path
        try:
            size = self._file.stat().st_size
            # Training reads at random, so reading ahead would be useless.
            self.environment = lmdb.open(
                str(path), subdir=path.is_dir(), readonly=True, lock=False, readahead=False, meminit=False
            )
        except (lmdb.Error, OSError) as fault:
            raise UserError(f"{path}: {_why(self._file, fault)}") from None
        needed = (self.environment.info()["last_pgno"] + 1) * self.environment.stat()["psize"]
        if size < needed:  # reading beyond the end of a mapped file would kill the process
            self.environment.close()
            raise UserError(
                f"{path}: this LMDB database is cut off ({size:,} of {needed:,} bytes); copy it again, whole"
            )

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None where there is no such key."""
        with self.environment.begin() as transaction:
            return transaction.get(key)


def open_database(path: Path) -> Database:
    """Return the database at `path`, which this process may have open already; raises as `Database`."""
    file = path / DATA_FILE if path.is_dir() else path
    try:
        status = file.stat()
    except OSError as fault:
        raise UserError(f"{file}: this LMDB database cannot be read ({fault.strerror})") from None
    key = (os.path.realpath(file), status.st_ino, status.st_mtime_ns)
    with _lock:
        database = _open.get(key)
        if database is None:
            database = _open[key] = Database(path)
        return database


def _why(file: Path, fault: Exception) -> str:
    try:
        kind = what_is_file(file)
    except OSError as error:
        return f"this LMDB database cannot be read ({error.strerror})"
    if kind is not None:
        return f"this is no LMDB database, it is {kind}"
    return f"this LMDB database cannot be opened ({str(fault).rpartition(': ')[2]}); make it anew, or copy it again"
