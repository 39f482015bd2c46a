"""A streaming reader of MATLAB v5 files, for variables that are long cell arrays.

`scipy.io.loadmat` turns each cell into an array of its own and needs several times the size of a variable in
memory, gigabytes for SynthText. This reader yields one cell at a time, compressed or not, in constant memory.
Layout: "MAT-File Format" (The MathWorks), level 5: a 128-byte header, then elements of an 8-byte tag (type, size)
and data padded to 8 bytes; an element of up to 4 bytes may sit inside its tag.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from config.errors import UserError
from data.readers.sniff import what_is

_MATRIX, _COMPRESSED = 14, 15
CELL_CLASS, CHAR_CLASS = 1, 4
NUMERIC_CLASSES = range(6, 16)
NUMERIC_TYPES = {
    1: np.dtype("i1"), 2: np.dtype("u1"), 3: np.dtype("<i2"), 4: np.dtype("<u2"), 5: np.dtype("<i4"),
    6: np.dtype("<u4"), 7: np.dtype("<f4"), 9: np.dtype("<f8"), 12: np.dtype("<i8"), 13: np.dtype("<u8"),
}  # fmt: skip
_UTF8, _UTF16, _UTF32 = 16, 17, 18
_COMPLEX = 0x0800
_CHUNK = 1 << 20
_TAG = struct.Struct("<II")


class DamagedError(Exception):
    """The bytes do not follow the format."""


@dataclass(frozen=True)
class Matrix:
    """One array as stored: `data` is in column-major order, of the storage type `kind`."""

    array_class: int
    dims: tuple[int, ...]
    kind: int
    data: bytes
    is_complex: bool = False

    @property
    def size(self) -> int:
        """Number of entries by the dimensions."""
        return math.prod(self.dims)


class CellVariable:
    """A variable of the file, read from front to back.

    Attributes:
        name: name of the variable.
        is_cell: whether it is a cell array; only then `cells` may be read.
        count: number of cells.
    """

    def __init__(self, source: _Source) -> None:
        self._source = source
        flags, dims, name = (_element(source)[1] for _ in range(3))
        self.name = name.decode("latin-1")
        self.is_cell = flags[:1] == bytes([CELL_CLASS])
        self.count = math.prod(struct.unpack(f"<{len(dims) // 4}i", dims[: len(dims) // 4 * 4]))

    def cells(self) -> Iterator[Matrix]:
        """Yield the cells in column-major order."""
        for _ in range(self.count):
            kind, data = _element(self._source)
            if kind != _MATRIX:
                raise DamagedError(f"a cell of type {kind}")
            yield parse_matrix(data)


def variables(path: Path) -> Iterator[CellVariable]:
    """Yield the variables of a MATLAB v5 file in file order; read each before you take the next.

    Raises:
        UserError: `path` is no MATLAB v5 file.
        DamagedError: it is cut off or inconsistent.
    """
    with path.open("rb") as file:
        _check_header(path, file.read(520))
        size = path.stat().st_size
        place = 128
        while place < size:
            file.seek(place)
            kind, length = _TAG.unpack(_exactly(file, 8))
            if place + 8 + length > size:
                raise DamagedError("the file is shorter than it says")
            place += 8 + length
            if kind == _COMPRESSED:
                source = _Source(_inflated(file, length))
                kind, _ = _TAG.unpack(source.take(8))
            else:
                place += -length % 8
                source = _Source(_plain(file, length))
            if kind == _MATRIX:
                yield CellVariable(source)


def parse_matrix(data: bytes) -> Matrix:
    """Parse the content of a matrix element; for cell arrays `data` keeps the elements of the cells, unparsed."""
    if not data:  # an empty array in a cell may be written like this
        return Matrix(6, (0, 0), 9, b"")
    try:
        flags, place = _slice(data, 0)[1:]
        raw_dims, place = _slice(data, place)[1:]
        place = _slice(data, place)[2]
        dims = struct.unpack(f"<{len(raw_dims) // 4}i", raw_dims)
        array_class, flag_bits = flags[0], int.from_bytes(flags[:4], "little")
        if array_class == CELL_CLASS:
            return Matrix(CELL_CLASS, dims, _MATRIX, data[place:])
        kind, content, _ = _slice(data, place)
    except (struct.error, IndexError):
        raise DamagedError("a cell ends too early") from None
    return Matrix(array_class, dims, kind, content, bool(flag_bits & _COMPLEX))


def inner_cells(matrix: Matrix) -> Iterator[Matrix]:
    """Yield the cells of a cell array that is itself a cell."""
    place = 0
    for _ in range(matrix.size):
        try:
            _, content, place = _slice(matrix.data, place)
        except struct.error:
            raise DamagedError("a cell ends too early") from None
        yield parse_matrix(content)


def strings_of(matrix: Matrix) -> list[str] | None:
    """Return the rows of a char array, or the strings of a cell array of char arrays; None if it holds no text."""
    if matrix.array_class == CELL_CLASS:
        nested = [strings_of(cell) for cell in inner_cells(matrix)]
        return None if any(rows is None for rows in nested) else [row for rows in nested for row in rows or ()]
    if matrix.size == 0:
        return []
    if matrix.array_class != CHAR_CLASS or len(matrix.dims) != 2:
        return None
    rows = matrix.dims[0]
    try:
        if matrix.kind in (4, _UTF16):
            # Column-major 16-bit units: rows are separated first, so that surrogate pairs are adjacent again.
            units = np.frombuffer(matrix.data, "<u2").reshape(matrix.dims, order="F")
            return [row.tobytes().decode("utf-16-le") for row in units]
        codec = {_UTF8: "utf-8", _UTF32: "utf-32-le", 6: "utf-32-le"}.get(matrix.kind, "latin-1")
        text = matrix.data.decode(codec)
    except ValueError:  # includes UnicodeDecodeError
        return None
    return [text[row::rows] for row in range(rows)] if len(text) == matrix.size else None


class _Source:
    """Bytes taken from the front of a sequence of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._place = 0

    def take(self, count: int) -> bytes:
        end = self._place + count
        if end > len(self._buffer):
            parts = [self._buffer[self._place :]]
            have = len(parts[0])
            while have < count:
                chunk = next(self._chunks, None)
                if chunk is None:
                    raise DamagedError("a variable ends too early")
                parts.append(chunk)
                have += len(chunk)
            self._buffer, self._place, end = b"".join(parts), 0, count
        taken = self._buffer[self._place : end]
        self._place = end
        return taken


def _element(source: _Source) -> tuple[int, bytes]:
    """Take the next element of a source: its type and its data."""
    tag = source.take(8)
    kind, length = _TAG.unpack(tag)
    if kind >> 16:
        return kind & 0xFFFF, tag[4 : 4 + (kind >> 16)]
    data = source.take(length)
    source.take(-length % 8)
    return kind, data


def _slice(data: bytes, place: int) -> tuple[int, bytes, int]:
    """Return type, data and end of the element that begins at `place`."""
    kind, length = _TAG.unpack_from(data, place)
    if kind >> 16:
        return kind & 0xFFFF, data[place + 4 : place + 4 + (kind >> 16)], place + 8
    end = place + 8 + length
    if end > len(data):
        raise DamagedError("an element is longer than its cell")
    return kind, data[place + 8 : end], end + (-length % 8)


def _plain(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length > 0:
        chunk = _exactly(file, min(length, _CHUNK))
        length -= len(chunk)
        yield chunk


def _inflated(file: BinaryIO, length: int) -> Iterator[bytes]:
    """Yield a compressed element's content in chunks of bounded size, whatever the compression ratio."""
    inflate = zlib.decompressobj()
    try:
        for packed in _plain(file, length):
            while packed:
                yield inflate.decompress(packed, _CHUNK)
                packed = inflate.unconsumed_tail
        yield inflate.flush()
    except zlib.error as error:
        raise DamagedError(f"its compressed data are broken ({error})") from None


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise DamagedError("the file ends too early")
    return data


def _check_header(path: Path, head: bytes) -> None:
    kind = what_is(head)
    if len(head) < 128 or kind != "a MATLAB v5 file" or head[124:128] != b"\x00\x01IM":
        if kind == "a MATLAB v7.3 file (HDF5)":
            hint = "save it again in version 5 (in MATLAB: save with '-v7')"
        elif kind == "a MATLAB v5 file":
            kind, hint = "a damaged or big-endian MATLAB file", "download it again or save it on a usual machine"
        else:
            hint = "give the `gt.mat` of SynthText"
        raise UserError(f"{path}: is {kind or 'not a MATLAB file'}, where a MATLAB v5 file is needed; {hint}")
