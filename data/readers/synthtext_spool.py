"""Temporary columns between a ground truth and its index.

A ground truth yields its content column by column (`gt.mat`) or image by image (`.h5`), and nothing can be checked
before all four columns are known. So each column is first written to a file, and then all four are read back together,
in constant memory.
"""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

QUAD_BYTES = 32  # 4 corners x 2 coordinates x float32


class Column:
    """A sequence of byte strings in a file; None for an entry that could not be read."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=1 << 20)
        self._sizes = array("q")

    def __len__(self) -> int:
        return len(self._sizes)

    def append(self, data: bytes | None) -> None:
        self._sizes.append(-1 if data is None else len(data))
        self._file.write(data or b"")

    def rewind(self) -> None:
        """Change from writing to reading."""
        self._file.seek(0)

    def take(self, start: int, stop: int) -> tuple[bytes, np.ndarray]:
        """Read the entries from `start` up to `stop`, which must follow those read last.

        Returns:
            Their bytes, joined, and the size of each, int64 [stop - start], -1 for one that could not be read.
        """
        sizes = np.array(self._sizes[start:stop], np.int64)
        return self._file.read(int(np.maximum(sizes, 0).sum())), sizes

    def close(self) -> None:
        with contextlib.suppress(OSError):  # buffered data that do not fit on a full disk
            self._file.close()


class TextColumn(Column):
    """A column of strings."""

    def append_text(self, text: str | None) -> None:
        self.append(None if text is None else text.encode("utf-8", "replace"))

    def take_texts(self, start: int, stop: int) -> list[str | None]:
        data, sizes = self.take(start, stop)
        ends = np.cumsum(np.maximum(sizes, 0)).tolist()
        return [
            None if size < 0 else data[end - size : end].decode("utf-8")
            for size, end in zip(sizes.tolist(), ends, strict=True)
        ]


class QuadColumn(Column):
    """A column of quad arrays."""

    def append_quads(self, corners: np.ndarray | None) -> None:
        """Append the quads of one image.

        Args:
            corners: [N, 4, 2] or any other shape in which the same numbers follow one another: x and y of the first
                corner of the first quad, then of its second corner and so on, in pixels. None where they could not be
                read. Stored as float32.
        """
        if corners is None:
            self.append(None)
            return
        with np.errstate(over="ignore"):  # becomes infinite, which is reported later
            self.append(corners.astype("<f4", copy=False).tobytes())

    def take_quads(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the quads of images `start` up to `stop`, joined, and how many each image has.

        Returns:
            float32 [N, 4, 2], and int64 [stop - start], -1 for an image whose quads could not be read.
        """
        data, sizes = self.take(start, stop)
        return np.frombuffer(data, "<f4").reshape(-1, 4, 2), np.where(sizes < 0, -1, sizes // QUAD_BYTES)


class Spool:
    """The four columns of a SynthText ground truth.

    Attributes:
        names: path of each image.
        texts: its strings, joined by `words.join_strings`.
        word_quads, char_quads: its boxes.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.names = TextColumn(folder / "names")
        self.texts = TextColumn(folder / "texts")
        self.word_quads = QuadColumn(folder / "word_quads")
        self.char_quads = QuadColumn(folder / "char_quads")

    @property
    def columns(self) -> Sequence[Column]:
        return self.names, self.texts, self.word_quads, self.char_quads

    def rewind(self) -> None:
        for column in self.columns:
            column.rewind()

    def close(self) -> None:
        for column in self.columns:
            column.close()
