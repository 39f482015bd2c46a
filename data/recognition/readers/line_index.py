"""Where the usable lines of a large annotation file begin: a memory-mapped array, made once and kept.

Nine million lines as Python strings are a gigabyte in every worker process. Here the file itself is mapped, and an
array of eight bytes a line says where each begins; processes share both. The array lies in `<file>.index` beside the
file, in `index_dir`, or in the user's cache folder, named after the file's identity, so that a changed file has another
one. A reader takes it only together with its `.json`, which is written last.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import mmap
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from data.io.durable import replacing
from data.reader import DropReport
from data.readers.index_home import cache_folder, file_identity, open_in_home
from data.readers.npy import NpyWriter

logger = logging.getLogger(__name__)

FORMAT = 1
"""Goes up whenever the same file would be given another index."""
_BLOCK = 1 << 22

Parse = Callable[[bytes, int, int, DropReport], list[int]]
"""Takes whole lines, the number of the first one, where they begin in the file, and a report; returns where those that
can be used begin in the file, and counts the others."""


class LineIndex:
    """The lines of a file that can be used, in their order.

    Args:
        path: the file.
        starts: the `.npy` file of where they begin, int64 [N].
        count: N.
    """

    def __init__(self, path: Path, starts: Path, count: int) -> None:
        self._path = path
        self._starts_path = starts
        self._count = count
        self._starts: np.ndarray | None = None
        self._text: mmap.mmap | None = None

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> bytes:
        """Return a line, 0 <= index < N, without its end."""
        if self._starts is None or self._text is None:
            self._starts = np.load(self._starts_path, mmap_mode="r", allow_pickle=False)
            with self._path.open("rb") as file:
                self._text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        start = int(self._starts[index])
        end = self._text.find(b"\n", start)
        return self._text[start : end if end >= 0 else len(self._text)]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_starts": None, "_text": None}


def open_lines(path: Path, index_dir: str | None, parse: Parse) -> tuple[LineIndex, DropReport, str]:
    """Return the usable lines of a file, what was left out, and a hash that changes with the file.

    Raises:
        UserError: the file cannot be read, or no place for the index can be written.
    """
    identity = file_identity(path)
    digest = hashlib.sha256(json.dumps([FORMAT, str(path.resolve()), identity]).encode()).hexdigest()[:20]
    name = f"{path.name}-{digest}"

    def make(home: Path) -> tuple[LineIndex, DropReport]:
        _make(path, home / name, parse)
        found = _existing(home / name, path)
        assert found is not None, "just made"
        return found

    index, report = open_in_home(
        str(path),
        index_dir,
        beside=path.parent / f"{path.name}.index",
        cached=cache_folder(),
        existing=lambda home: _existing(home / name, path),
        make=make,
    )
    return index, report, _content_hash(identity)


def _content_hash(identity: list[Any]) -> str:
    """Return a hash of name, size and ends of the file, which a copy of it has, too."""
    name, size, _, edges = identity
    return hashlib.sha256(json.dumps([FORMAT, name, size, edges]).encode()).hexdigest()[:16]


def _existing(place: Path, path: Path) -> tuple[LineIndex, DropReport] | None:
    starts = place.with_name(f"{place.name}.npy")
    try:
        facts = json.loads(place.with_name(f"{place.name}.json").read_text(encoding="utf-8"))
        report = DropReport(**facts)
        if np.load(starts, mmap_mode="r", allow_pickle=False).shape != (report.words,):
            return None
    except (OSError, ValueError, TypeError, EOFError):
        return None
    return LineIndex(path, starts, report.words), report


def _make(path: Path, place: Path, parse: Parse) -> None:
    """Write the two files of an index; the one that makes it valid comes last."""
    logger.info("making the index of %s, once; it is kept in %s", path, place.parent)
    report = DropReport()
    with (
        replacing(place.with_name(f"{place.name}.npy")) as array,
        contextlib.closing(NpyWriter(array, "<i8", ())) as writer,
    ):
        for data, line_number, offset in _blocks(path):
            writer.append(np.array(parse(data, line_number, offset, report), np.int64))
        writer.finish()
    with replacing(place.with_name(f"{place.name}.json")) as facts:
        facts.write_text(json.dumps(asdict(report)), encoding="utf-8")
    for stale in place.parent.glob(f"{path.name}-*"):
        if place.parent.name == f"{path.name}.index" and not stale.name.startswith(place.name):
            stale.unlink(missing_ok=True)


def _blocks(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield whole lines, the number of the first one, and where they begin in the file."""
    line_number, offset, rest = 1, 0, b""
    with path.open("rb") as file:
        if file.read(3) == b"\xef\xbb\xbf":
            offset = 3
        file.seek(offset)
        while data := file.read(_BLOCK):
            data = rest + data
            end = data.rfind(b"\n") + 1
            rest = data[end:]
            if end:
                yield data[:end], line_number, offset
                line_number += data.count(b"\n", 0, end)
                offset += end
    if rest:
        yield rest, line_number, offset
