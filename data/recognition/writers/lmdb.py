"""Words in an LMDB database with the keys of deep-text-recognition-benchmark.

Keys, counted from 1: `image-000000001` holds an image file, `label-000000001` its text in UTF-8, `num-samples` their
count in decimal. The database is `data.mdb` in a separate folder, as readers that search folders expect.

The same items give the same bytes: keys are written in sorted order, so every page is filled and none is written twice.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lmdb

from data.recognition.writers.written import WrittenWords

DATA_FILE = "data.mdb"
_BATCH_BYTES = 4 * 2**20
"""Bytes to collect in memory and write in one transaction."""
_FIRST_MAP = 16 * 2**20
"""Initial size of the map, bytes. It only limits the file, which is as large as its content; it grows as needed."""
_PAGE = 4096


@dataclass(frozen=True)
class LmdbItem:
    """A word to be written: the image file and the label."""

    image: bytes
    text: str


def write_lmdb(folder: Path, words: Iterable[LmdbItem]) -> WrittenWords:
    """Write the database `folder`/data.mdb and flush it to the disk.

    Args:
        folder: an existing folder.
        words: in the order of their keys.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    written = WrittenWords()
    labels: list[bytes] = []
    if not folder.is_dir():  # LMDB would create it
        raise FileNotFoundError(errno.ENOENT, "No such folder", str(folder))
    with _errors_of_the_system(folder):
        # No lock file: no other process opens a database while it is written. One sync at the end instead of one for
        # each transaction: an interrupted database is made again anyway.
        database = lmdb.open(str(folder), map_size=_FIRST_MAP, lock=False, sync=False, metasync=False)
        try:
            _append(database, _images(words, labels, written))
            _append(database, ((b"label-%09d" % key, label) for key, label in enumerate(labels, start=1)))
            _append(database, [(b"num-samples", b"%d" % len(labels))])
            database.sync(True)
        finally:
            database.close()
    written.files[DATA_FILE] = (folder / DATA_FILE).stat().st_size
    return written


def _images(words: Iterable[LmdbItem], labels: list[bytes], written: WrittenWords) -> Iterator[tuple[bytes, bytes]]:
    """Yield the images under their keys, and collect their labels, which come later in the order of the keys."""
    for key, word in enumerate(words, start=1):
        labels.append(word.text.encode())
        written.add(word.text)
        yield b"image-%09d" % key, word.image


def _append(database: lmdb.Environment, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Write pairs whose keys are greater than all earlier ones, in transactions of limited size."""
    batch: list[tuple[bytes, bytes]] = []
    room = 0
    for key, value in pairs:
        batch.append((key, value))
        # A large value begins a new page.
        room += len(key) + len(value) + 32 + (_PAGE if len(value) > _PAGE // 4 else 0)
        if room >= _BATCH_BYTES:
            _put(database, batch, room)
            batch, room = [], 0
    if batch:
        _put(database, batch, room)


def _put(database: lmdb.Environment, batch: list[tuple[bytes, bytes]], room: int) -> None:
    size = database.info()["map_size"]
    while size < (database.info()["last_pgno"] + 64) * _PAGE + 2 * room:
        size *= 2
    while True:
        if size > database.info()["map_size"]:
            database.set_mapsize(size)
        try:
            with database.begin(write=True) as transaction:
                for key, value in batch:
                    assert transaction.put(key, value, append=True), "keys come in order, each once"
            return
        except lmdb.MapFullError:  # the estimate was too low; the transaction was rolled back
            size *= 2


@contextmanager
def _errors_of_the_system(folder: Path) -> Iterator[None]:
    """Turn LMDB's errors into `OSError`, so that the messages are those for files."""
    try:
        yield
    except lmdb.DiskError as error:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder)) from error
    except lmdb.Error as error:
        raise OSError(errno.EIO, f"LMDB: {error}", str(folder)) from error
