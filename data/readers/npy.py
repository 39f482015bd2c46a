"""Writes a `.npy` file of unknown length piece by piece.

NumPy reserves space in a header for any length of the first axis, so the header can be rewritten when that is known.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import numpy as np
from numpy.lib import format as npy_format


class NpyWriter:
    """An array that grows along its first axis, in a file.

    Args:
        path: the file, which must not exist.
        dtype: type of the entries, little-endian, such as "<f4".
        entry_shape: shape of what one index of the first axis selects.
    """

    def __init__(self, path: Path, dtype: str, entry_shape: tuple[int, ...]) -> None:
        self._dtype = np.dtype(dtype)
        self._entry_shape = entry_shape
        self._count = 0
        self._hash = hashlib.sha256()
        self._file = path.open("xb", buffering=1 << 20)
        self._write_header()

    def append(self, values: np.ndarray) -> None:
        """Append n entries.

        Args:
            values: [n, ...] with the axes of `entry_shape` after the first; converted to the type of the file.

        Raises:
            ValueError: the entries have another shape.
        """
        data = np.ascontiguousarray(values, self._dtype)
        if data.shape[1:] != self._entry_shape:
            raise ValueError(f"entries of shape {data.shape[1:]}, not {self._entry_shape}")
        self._count += len(data)
        self._hash.update(data.data if data.size else b"")
        self._file.write(data.data if data.size else b"")

    def finish(self) -> str:
        """Write the header, flush the file to the disk and return the SHA-256 of the content."""
        self._file.seek(0)
        self._write_header()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.hexdigest()

    def _write_header(self) -> None:
        shape = (self._count, *self._entry_shape)
        descr = npy_format.dtype_to_descr(self._dtype)
        npy_format.write_array_header_1_0(self._file, {"descr": descr, "fortran_order": False, "shape": shape})

    def close(self) -> None:
        """Close the file; it cannot be used unless `finish` was called."""
        with contextlib.suppress(OSError):  # buffered data that do not fit on a full disk
            self._file.close()
