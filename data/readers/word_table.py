"""Annotations of a whole dataset in a few arrays.

A list of a hundred thousand Python objects is slow to pickle, and forked worker processes copy it page by page because
reference counts change. Arrays have neither problem.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.sample import TextSample

NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


class Texts:
    """A list of strings stored as one UTF-8 string (file names that are not UTF-8 keep their bytes as surrogates).

    Args:
        strings: what to hold, in this order.
    """

    def __init__(self, strings: Sequence[str]) -> None:
        encoded = [string.encode("utf-8", "surrogatepass") for string in strings]
        self._data = b"".join(encoded)
        self._ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: int) -> str:
        start = int(self._ends[index - 1]) if index else 0
        return self._data[start : int(self._ends[index])].decode("utf-8", "surrogatepass")

    def take(self, rows: np.ndarray) -> Texts:
        """Return the strings at `rows` int64 [N]."""
        return Texts([self[int(row)] for row in rows])

    def digest_into(self, content: hashlib._Hash) -> None:
        content.update(self._ends.astype("<i8").tobytes())
        content.update(self._data)


@dataclass(frozen=True)
class WordTable:
    """Images, their words, and the points and characters of these; columns of ends say where the rows of each end.

    Attributes:
        names: path of each image below the folder of images, N of them.
        word_ends: int64 [N], words of image k are `word_ends[k - 1]` to `word_ends[k]`.
        words: transcription of each word, W of them.
        quads: float32 [W, 4, 2].
        ignore: bool [W].
        points: float32 [P, 2], the outlines of the words; None if every outline is the word's quad.
        point_ends: int64 [W], the points of word k end here; empty if `points` is None.
        char_quads: float32 [C, 4, 2].
        char_ends: int64 [W], the characters of word k end here.
        sizes: int32 [N, 2], height and width that the labels were made for, 0 if unknown.
        places: where each word is written, such as "gt_img_7.txt line 3"; not part of the digest.
    """

    names: Texts
    word_ends: np.ndarray
    words: Texts
    quads: np.ndarray
    ignore: np.ndarray
    points: np.ndarray | None
    point_ends: np.ndarray
    char_quads: np.ndarray
    char_ends: np.ndarray
    sizes: np.ndarray
    places: Texts

    def __len__(self) -> int:
        return len(self.word_ends)

    def annotation(self, index: int) -> TextSample:
        """Return the words of the image at `index` (0 or more), without its pixels."""
        start, stop = _span(self.word_ends, index)
        first, last = _range(self.char_ends, start, stop)
        chars = np.diff(self.char_ends[start:stop], prepend=first)
        return TextSample(
            self.names[index],
            NO_IMAGE,
            [self.words[k] for k in range(start, stop)],
            self.quads[start:stop].copy(),
            self.ignore[start:stop].copy(),
            self.char_quads[first:last].copy(),
            np.repeat(np.arange(stop - start), chars),
            self._polygons(start, stop),
        )

    def place(self, index: int, word: int) -> str:
        """Return where a word of the image at `index` is written."""
        return self.places[_span(self.word_ends, index)[0] + word]

    def take(self, images: np.ndarray) -> WordTable:
        """Return the table of some images, `images` int64 [n], in that order."""
        words = _rows(self.word_ends, images)
        points = None if self.points is None else self.points[_rows(self.point_ends, words)]
        return WordTable(
            names=self.names.take(images),
            word_ends=np.cumsum(_lengths(self.word_ends)[images]),
            words=self.words.take(words),
            quads=self.quads[words],
            ignore=self.ignore[words],
            points=points,
            point_ends=self.point_ends if points is None else np.cumsum(_lengths(self.point_ends)[words]),
            char_quads=self.char_quads[_rows(self.char_ends, words)],
            char_ends=np.cumsum(_lengths(self.char_ends)[words]),
            sizes=self.sizes[images],
            places=self.places.take(words),
        )

    def digest(self) -> str:
        """Return a hash of everything in the table."""
        content = hashlib.sha256()
        for texts in (self.names, self.words):
            texts.digest_into(content)
        for ends in (self.word_ends, self.point_ends, self.char_ends, self.sizes):
            content.update(ends.astype("<i8").tobytes())
        for places in (self.quads, self.points, self.char_quads):
            content.update(b"-" if places is None else places.astype("<f4").tobytes())
        content.update(self.ignore.tobytes())
        return content.hexdigest()

    def _polygons(self, start: int, stop: int) -> list[np.ndarray] | None:
        if self.points is None:
            return None
        return [self.points[slice(*_span(self.point_ends, k))].copy() for k in range(start, stop)]


def _span(ends: np.ndarray, index: int) -> tuple[int, int]:
    """Return where the rows of item `index` start and stop."""
    return (int(ends[index - 1]) if index else 0), int(ends[index])


def _range(ends: np.ndarray, start: int, stop: int) -> tuple[int, int]:
    """Return where the rows of items `start` to `stop` start and stop."""
    return (int(ends[start - 1]) if start else 0), (int(ends[stop - 1]) if stop else 0)


def _lengths(ends: np.ndarray) -> np.ndarray:
    return np.diff(ends, prepend=0)


def _rows(ends: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Return the row indices of all `items`, one item after the other."""
    counts = _lengths(ends)[items]
    starts = ends[items] - counts
    before = np.cumsum(counts) - counts
    return np.arange(int(counts.sum())) + np.repeat(starts - before, counts)
