"""Writing files atomically: a reader, or the next run after a crash, never finds an incomplete file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from config.errors import UserError
from data.io.durable import PART, replacing


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, flush it to disk and move it into place.

    An existing file at `path` stays until the new one is complete; after a failure it stays unchanged.

    Args:
        path: the final place; its folder is made.
        write: called with the path of the temporary file.

    Raises:
        UserError: the file cannot be written: the disk is full, a quota is used up, the folder is protected.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            write(temporary)
    except OSError as fault:
        kept = "; the previous file is unchanged" if path.exists() else ""
        raise UserError(
            f"{path} cannot be written ({fault.strerror or fault}), make room or choose another folder{kept}"
        ) from fault


def remove_parts(folder: Path) -> None:
    """Remove the incomplete files of killed writers in `folder`; no other process may be writing there."""
    for part in folder.glob(f".*{PART}"):
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
