"""Some samples of a dataset as a dataset, and several datasets as one."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.reader import DropReport
from data.readers.concat import Joined
from data.recognition.sample import WordReader, WordSample


class Kept:
    """Where the samples that were kept stand among all; small if few were left out, and if few were kept.

    Args:
        total: number of all.
        dropped: numbers of those left out, int [D], in order.
    """

    def __init__(self, total: int, dropped: Sequence[int] | np.ndarray) -> None:
        dropped = np.asarray(dropped, np.int64)
        self._length = total - len(dropped)
        few = len(dropped) <= self._length
        # Before the k-th one left out stand dropped[k] - k that were kept.
        self._steps = dropped - np.arange(len(dropped)) if few and len(dropped) else None
        self._rows = None if few else np.delete(np.arange(total), dropped)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        """Return the number among all of the `index`-th that was kept; negative indices count from the end."""
        if not -self._length <= index < self._length:
            raise IndexError(index)
        index %= self._length
        if self._rows is not None:
            return int(self._rows[index])
        return index if self._steps is None else index + int(np.searchsorted(self._steps, index, side="right"))

    def digest(self) -> bytes:
        """Return a hash that changes with the choice."""
        content = hashlib.sha256(b"%d" % self._length)
        for name, rows in (("steps", self._steps), ("rows", self._rows)):
            content.update(name.encode() + (b"" if rows is None else rows.astype("<i8").tobytes()))
        return content.digest()


class ForwardedWords(WordReader):
    """Samples of one or several other readers."""

    @abstractmethod
    def _locate(self, index: int) -> tuple[WordReader, int]:
        """Return the reader that holds a sample, and the sample's index there."""

    def __getitem__(self, index: int) -> WordSample:
        reader, there = self._locate(index)
        return reader[there]

    def text(self, index: int) -> str:
        reader, there = self._locate(index)
        return reader.text(there)

    def name(self, index: int) -> str:
        reader, there = self._locate(index)
        return reader.name(there)

    def size(self, index: int) -> tuple[int, int]:
        reader, there = self._locate(index)
        return reader.size(there)

    def path(self, index: int) -> Path | None:
        reader, there = self._locate(index)
        return reader.path(there)

    def raw(self, index: int) -> bytes | None:
        reader, there = self._locate(index)
        return reader.raw(there)


class ChosenWords(ForwardedWords):
    """Reader of some of the samples of another, and of the same kind.

    Args:
        reader: the other one.
        rows: numbers of the samples, in their order: an array int [N], or what was kept.
    """

    def __init__(self, reader: WordReader, rows: np.ndarray | Kept) -> None:
        self.reader = reader
        self._rows = rows
        self.drawn, self.slow_labels, self.stored = reader.drawn, reader.slow_labels, reader.stored
        self.characters, self.longest = reader.characters, reader.longest

    @property
    def report(self) -> DropReport:
        """The other reader's report, whichever samples are chosen."""
        return self.reader.report

    def __len__(self) -> int:
        return len(self._rows)

    def fingerprint(self) -> str:
        rows = self._rows.digest() if isinstance(self._rows, Kept) else self._rows.astype("<i8").tobytes()
        return hashlib.sha256(self.reader.fingerprint().encode() + rows).hexdigest()[:16]

    def row(self, index: int) -> int:
        """Return the number of a sample in the other reader."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return int(self._rows[index])

    def _locate(self, index: int) -> tuple[WordReader, int]:
        return self.reader, self.row(index)


class JoinedWords(Joined[WordReader], ForwardedWords):
    """The samples of several readers of words, one reader after the other; it is what one of them at least is."""

    def __init__(self, readers: Sequence[WordReader]) -> None:
        super().__init__(readers)
        self.drawn, self.slow_labels, self.stored = (
            any(getattr(reader, name) for reader in self.readers) for name in ("drawn", "slow_labels", "stored")
        )
