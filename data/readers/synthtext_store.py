"""Finds the index of a SynthText ground truth or makes it, and removes old ones.

An index lies in `<home>/<identity>`, a folder named after the identity of its source; it is written under another name
and renamed when it is complete. So a reader never sees an incomplete index, processes may convert at the same time, and
a changed source gets another index. `<home>` is `index_dir`, or `gt.mat.index` beside the ground truth, or a folder in
the user's cache.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from config.errors import UserError
from data.io.durable import move, sync, try_lock
from data.readers.index_home import cache_folder, file_identity, open_in_home
from data.readers.synthtext_build import IndexBuilder
from data.readers.synthtext_index import FORMAT, SynthTextIndex, write_facts
from data.readers.synthtext_source import Source
from data.readers.synthtext_spool import Spool

logger = logging.getLogger(__name__)

_TEMPORARY_PREFIX = ".making-"
_ABANDONED_SECONDS = 24 * 3600


def open_index(source: Source, index_dir: str | None) -> SynthTextIndex:
    """Return the index of `source`; make it first if there is no valid one.

    Args:
        source: the ground truth.
        index_dir: folder for the index; None for the usual folders.

    Raises:
        UserError: the ground truth cannot be used, or no folder for the index can be written.
    """
    files = [file_identity(path) for path in source.files]
    identity = _hash(FORMAT, files)
    place = _hash(str(source.index_home.resolve()))

    def make(home: Path) -> SynthTextIndex:
        with _lock(home / ".lock"):
            index = _existing(home / identity)  # made by the process that had the lock
            if index is not None:
                return index
            temporary = home / f"{_TEMPORARY_PREFIX}{uuid.uuid4().hex}"
            temporary.mkdir()
            try:
                logger.info("converting %s to a memory-mapped index, once; it is kept in %s", source.label, home)
                _convert(source, temporary, place, files)
                index = _put_in_place(temporary, home / identity)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            _remove_stale(home, identity, place)
            return index

    return open_in_home(
        source.label,
        index_dir,
        beside=source.index_home,
        cached=cache_folder() / place,
        existing=lambda home: _existing(home / identity),
        make=make,
    )


def _convert(source: Source, folder: Path, place: str, files: list[list[Any]]) -> None:
    try:
        with (
            contextlib.closing(Spool(folder / "spool")) as spool,
            contextlib.closing(IndexBuilder(folder, source.label)) as builder,
        ):
            source.fill(spool)
            builder.build(spool)
            hashes = builder.finish()
        write_facts(folder, place, files, builder.report, hashes)
        sync(folder / "index.json")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"{source.label}: its index cannot be made in {folder.parent} ({error.strerror or error}); mend that, "
                "or set the dataset's `index_dir`"
            ) from error
        raise UserError(
            f"{folder.parent}: the disk is full, the index of {source.label} takes about twice the ground truth's size "
            "while it is made; set the dataset's `index_dir` to a folder with more room"
        ) from None
    shutil.rmtree(folder / "spool")
    sync(folder)


def _put_in_place(temporary: Path, final: Path) -> SynthTextIndex:
    """Rename a complete index to its final name, or use the one that another process has put there meanwhile."""
    for attempt in range(3):
        try:
            move(temporary, final)
            break
        except OSError:
            index = _existing(final)
            if index is not None:
                return index
            if attempt == 2 or not final.exists():
                raise
            shutil.rmtree(final, ignore_errors=True)
    return SynthTextIndex(final)


def _existing(folder: Path) -> SynthTextIndex | None:
    try:
        return SynthTextIndex(folder)
    except (OSError, UserError):
        return None
    except ValueError as error:
        logger.warning("%s: this index is not complete (%s) and is made again", folder, error)
        return None


def _remove_stale(home: Path, identity: str, place: str) -> None:
    """Delete indices of older versions of this ground truth, and the files of killed conversions."""
    for folder in home.iterdir():
        if folder.name.startswith(_TEMPORARY_PREFIX):
            with contextlib.suppress(OSError):
                if time.time() - folder.stat().st_mtime > _ABANDONED_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        elif folder.name != identity and _place_of(folder) == place:
            shutil.rmtree(folder, ignore_errors=True)


def _place_of(folder: Path) -> str | None:
    try:
        return json.loads((folder / "index.json").read_text(encoding="utf-8"))["place"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Wait for other conversions in this folder. This only saves work: the renaming is what makes them safe."""
    lock = FileLock(path)
    try:
        if try_lock(lock) is False:
            logger.info("waiting for another process that makes an index in %s", path.parent)
            lock.acquire()
        yield
    finally:
        lock.release()
