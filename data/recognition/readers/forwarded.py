"""Some samples of a dataset as a dataset, and several datasets as one dataset."""

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
    """The indices of the samples that were kept; takes little memory if few were left out, or if few were kept.

    Args:
        total: number of all samples.
        dropped: indices of those left out, int [D], in order.
    """

    def __init__(self, total: int, dropped: Sequence[int] | np.ndarray) -> None:
        dropped = np.asarray(dropped, np.int64)
        self._length = total - len(dropped)
        few = len(dropped) <= self._length
        # dropped[k] - k samples are kept before the k-th one that is left out.
        self._steps = dropped - np.arange(len(dropped)) if few and len(dropped) else None
        self._rows = None if few else np.delete(np.arange(total), dropped)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> int:
        """Return the index among all samples of a kept one; negative indices count from the end."""
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
    """Reader of some of the samples of another reader, with the same properties.

    Args:
        reader: the other reader.
        rows: indices of the samples in it, int [N] in order, or a `Kept`.
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
        """Return the index of a sample in the other reader."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return int(self._rows[index])

    def _locate(self, index: int) -> tuple[WordReader, int]:
        return self.reader, self.row(index)


class JoinedWords(Joined[WordReader], ForwardedWords):
    """The samples of several readers of words, one reader after the other.

    It is `drawn`, has `slow_labels` or is `stored` if at least one of them is.
    """

    def __init__(self, readers: Sequence[WordReader]) -> None:
        super().__init__(readers)
        self.drawn, self.slow_labels, self.stored = (
            any(getattr(reader, name) for reader in self.readers) for name in ("drawn", "slow_labels", "stored")
        )
