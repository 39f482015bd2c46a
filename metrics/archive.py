"""Reads the text files of a zip archive in memory, with a limit on their unpacked size."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from config.errors import UserError

log = logging.getLogger(__name__)

MAX_MEMBERS = 100_000
MAX_UNPACKED_BYTES = 512 * 1024 * 1024


def text_members(path: str | Path, *, max_bytes: int = MAX_UNPACKED_BYTES) -> Iterator[tuple[str, str]]:
    """Yield (name inside the archive, text) of each `.txt` file of a zip. Nothing is written to disk.

    Files may lie in folders of any depth. Hidden files and those that macOS adds (`__MACOSX`, `._x`, `.DS_Store`) are
    skipped; other files are skipped with a warning. A byte-order mark is removed.

    Args:
        path: the archive.
        max_bytes: greatest sum of the unpacked sizes.

    Raises:
        UserError: the file is missing, no zip, encrypted, damaged, too large unpacked, or has a text that is not UTF-8.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; give the path of a zip archive")
    try:
        with zipfile.ZipFile(path) as archive:
            yield from _members(path, archive, max_bytes)
    except zipfile.BadZipFile as error:
        raise UserError(f"{path}: not a readable zip archive ({error}); pack the text files into a .zip") from None


def _members(path: Path, archive: zipfile.ZipFile, max_bytes: int) -> Iterator[tuple[str, str]]:
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UserError(f"{path}: holds {len(infos):,} files, more than the {MAX_MEMBERS:,} allowed")
    other = []
    unpacked = 0
    for info in infos:
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        if info.is_dir() or any(part == "__MACOSX" or part.startswith(".") for part in parts):
            continue
        if not info.filename.lower().endswith(".txt"):
            other.append(info.filename)
            continue
        raw = _read(path, archive, info, max_bytes - unpacked, max_bytes)
        unpacked += len(raw)
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise UserError(
                f"{path}: {info.filename} is not UTF-8 text (byte {error.start}); save it with that encoding"
            ) from None
        yield info.filename, text
    if other:
        log.warning("%s: skipped %d files that are not .txt (e.g. %s)", path, len(other), other[0])


def _read(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, max_bytes: int) -> bytes:
    """Read a member; at most `limit` + 1 bytes are unpacked, whatever size its header states."""
    try:
        with archive.open(info) as member:
            raw = member.read(limit + 1)
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or a compression method unknown to zipfile
        raise UserError(f"{path}: {info.filename} cannot be unpacked ({error})") from None
    except (zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path}: {info.filename} is damaged ({error}); make the archive again") from None
    if len(raw) > limit:
        raise UserError(f"{path}: its text files unpack to more than the {max_bytes:,} bytes allowed")
    return raw
