"""Finds the index of a SynthText ground truth, or has it made: where it lies, when it is stale, who may write it.

An index lies in a folder named after the identity of its source, `<home>/<identity>`, is written under
another name and renamed when it is complete. So a reader never sees half an index, two processes that convert
at once cannot harm each other, and a changed source simply has another name. The home is `index_dir`, else
`gt.mat.index` beside the ground truth, else a folder of the user's cache.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.errors import UserError
from data.durable import sync
from data.readers.synthtext_build import IndexBuilder
from data.readers.synthtext_index import FORMAT, SynthTextIndex, write_facts
from data.readers.synthtext_source import Source
from data.readers.synthtext_spool import Spool

logger = logging.getLogger(__name__)

_EDGE_BYTES = 1 << 16
_TEMPORARY_PREFIX = ".making-"
_ABANDONED_SECONDS = 24 * 3600


def open_index(source: Source, index_dir: str | None) -> SynthTextIndex:
    """Return the index of `source`, converting it first where there is no valid one.

    Args:
        source: the ground truth.
        index_dir: folder for the index; None takes the usual places.

    Raises:
        UserError: the ground truth cannot be used, or no place for the index can be written.
    """
    files = [file_identity(path) for path in source.files]
    identity = _hash(FORMAT, files)
    place = _hash(str(source.index_home.resolve()))
    homes = [Path(index_dir).expanduser()] if index_dir else [source.index_home, cache_folder() / place]
    for home in homes:
        index = _existing(home / identity)
        if index is not None:
            return index
    for home in homes:
        if not index_dir and meant_read_only(home):
            continue
        with contextlib.ExitStack() as stack:
            try:
                home.mkdir(parents=True, exist_ok=True)
                stack.enter_context(_lock(home / ".lock"))
                index = _existing(home / identity)  # made by the process that had the lock
                if index is not None:
                    return index
                temporary = home / f"{_TEMPORARY_PREFIX}{uuid.uuid4().hex}"
                temporary.mkdir()
            except OSError as error:
                logger.info("%s: cannot hold the index of %s (%s)", home, source.label, error.strerror)
                continue
            stack.callback(shutil.rmtree, temporary, ignore_errors=True)
            logger.info("converting %s to a memory-mapped index, once; it is kept in %s", source.label, home)
            _convert(source, temporary, place, files)
            index = _put_in_place(temporary, home / identity)
            _remove_stale(home, identity, place)
            return index
    raise UserError(
        f"{source.label}: no folder for its index can be written (tried {', '.join(map(str, homes))}); "
        "set the dataset's `index_dir` to one that can"
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
            raise
        raise UserError(
            f"{folder.parent}: the disk is full, the index of {source.label} takes about twice the ground truth's size "
            "while it is made; set the dataset's `index_dir` to a folder with more room"
        ) from None
    shutil.rmtree(folder / "spool")
    sync(folder)


def _put_in_place(temporary: Path, final: Path) -> SynthTextIndex:
    """Rename a complete index to its name, or take the one that another process put there meanwhile."""
    for attempt in range(3):
        try:
            os.rename(temporary, final)
            sync(final.parent)
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
    """Delete indices of older states of this ground truth, and what killed conversions left behind."""
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


def file_identity(path: Path) -> list[Any]:
    """Return name, size, time of change and a hash of both ends of a file."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            edges = file.read(_EDGE_BYTES)
            file.seek(max(status.st_size - _EDGE_BYTES, 0))
            edges += file.read(_EDGE_BYTES)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the dataset's `root` and `gt`") from None
    return [path.name, status.st_size, status.st_mtime_ns, hashlib.sha256(edges).hexdigest()]


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:20]


def meant_read_only(folder: Path) -> bool:
    """Tell whether nobody has the right to write where `folder` lies, which root could do all the same."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return existing is not None and not existing.stat().st_mode & 0o222


def cache_folder() -> Path:
    """Return where indices go that cannot be beside their ground truth."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ocr-trainer"


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Wait for other conversions in this folder, which saves work only: correctness rests on the renaming."""
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("waiting for another process that makes an index in %s", path.parent)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            pass
        yield
