"""The index of a large annotation file: where its usable lines begin, as a memory-mapped array that is made once.

Nine million lines as Python strings would take a gigabyte in every worker process. Here the file is memory-mapped, and
so is an array of eight bytes a line with the offsets of the lines; processes share both. The array lies in
`<file>.index` beside the file, in `index_dir`, or in the user's cache folder. It is named after the file's identity, so
a changed file gets another index. It is valid only together with its `.json`, which is written last.
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
"""To be raised whenever the same file would get another index."""
_BLOCK = 1 << 22

Parse = Callable[[bytes, int, int, DropReport], list[int]]
"""Function of complete lines, the number of the first line, the offset of their beginning in the file, and a report. It
returns the offsets of the usable lines in the file and counts the others."""


class LineIndex:
    """The usable lines of a file, in order.

    Args:
        path: the file.
        starts: the `.npy` file with the offsets of the lines, int64 [N].
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
        """Return a line, 0 <= index < N, without its line end."""
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
    """Return the usable lines of a file, the report of what was left out, and a hash that changes with the file.

    Raises:
        UserError: the file cannot be read, or no folder for the index can be written.
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
    """Return a hash of the file's name, size, and first and last bytes; the same for a copy of the file."""
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
    """Write the two files of an index, the `.json` that makes it valid last."""
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
    """Yield complete lines, the number of the first line, and the offset of their beginning in the file."""
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
