"""The folder for the index of an annotation file: `index_dir`, or beside the file, or in the user's cache folder."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from config.errors import UserError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_EDGE_BYTES = 1 << 16


def open_in_home(
    label: str,
    index_dir: str | None,
    beside: Path,
    cached: Path,
    existing: Callable[[Path], T | None],
    make: Callable[[Path], T],
) -> T:
    """Return an index from the first folder that contains it, or make it in the first folder that can be written.

    Args:
        label: name of the annotation file, for messages.
        index_dir: if set, the only folder to use.
        beside: the usual folder, beside the annotation file.
        cached: the folder below `cache_folder()`, for data in a folder that cannot be written.
        existing: returns the complete index in a folder, or None.
        make: makes the index in an existing folder; an `OSError` means that it cannot be written.

    Raises:
        UserError: none of the folders can be written.
    """
    homes = [Path(index_dir).expanduser()] if index_dir else [beside, cached]
    for home in homes:
        index = existing(home)
        if index is not None:
            return index
    for home in homes:
        if not index_dir and _meant_read_only(home):
            continue
        try:
            home.mkdir(parents=True, exist_ok=True)
            return make(home)
        except OSError as error:
            logger.info("%s: cannot hold the index of %s (%s)", home, label, error.strerror)
    raise UserError(
        f"{label}: no folder for its index can be written (tried {', '.join(map(str, homes))}); set the dataset's "
        "`index_dir` to one that can"
    )


def file_identity(path: Path) -> list[Any]:
    """Return name, size, time of change and a hash of the first and last bytes of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            edges = file.read(_EDGE_BYTES)
            file.seek(max(status.st_size - _EDGE_BYTES, 0))
            edges += file.read(_EDGE_BYTES)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the dataset's `root` and `gt`") from None
    return [path.name, status.st_size, status.st_mtime_ns, hashlib.sha256(edges).hexdigest()]


def cache_folder() -> Path:
    """Return the folder for indices that cannot be written beside their ground truth."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ocr-trainer"


def _meant_read_only(folder: Path) -> bool:
    """Tell whether no user has the right to write into the parent of `folder`; root could do so nevertheless."""
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    return existing is not None and not existing.stat().st_mode & 0o222
