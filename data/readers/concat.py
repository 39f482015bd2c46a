"""Several datasets as one dataset, and some samples of a dataset as a dataset."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from data.reader import BaseReader, DropReport, Reader
from data.sample import TextSample

AnyReader = TypeVar("AnyReader", bound=BaseReader)


class Joined(BaseReader, Generic[AnyReader]):
    """The samples of several readers of images or of words, one reader after the other.

    Args:
        readers: at least one.

    Attributes:
        readers: the same.
    """

    def __init__(self, readers: Sequence[AnyReader]) -> None:
        self.readers = list(readers)
        self._ends = list(itertools.accumulate(len(reader) for reader in self.readers))

    @property
    def report(self) -> DropReport:
        """The readers' reports added up, with the first three examples of each reason."""
        merged = DropReport()
        for part in (reader.report for reader in self.readers):
            merged.images += part.images
            merged.words += part.words
            merged.chars += part.chars
            merged.unparsed += [reason for reason in part.unparsed if reason not in merged.unparsed]
            for counts, theirs in ((merged.dropped, part.dropped), (merged.noted, part.noted)):
                for reason, count in theirs.items():
                    counts[reason] = counts.get(reason, 0) + count
            for reason, places in part.examples.items():
                merged.examples[reason] = (merged.examples.get(reason, []) + places)[:3]
        return merged

    def __len__(self) -> int:
        return self._ends[-1]

    def fingerprint(self) -> str:
        joined = " ".join(reader.fingerprint() for reader in self.readers)
        return hashlib.sha256(joined.encode()).hexdigest()[:16]

    def _locate(self, index: int) -> tuple[AnyReader, int]:
        """Return the reader that holds a sample, and the sample's index there."""
        index = self._checked(index)
        which = bisect.bisect_right(self._ends, index)
        return self.readers[which], index - (self._ends[which - 1] if which else 0)


class ForwardedReader(Reader):
    """Samples of one or several other readers of images."""

    @abstractmethod
    def _locate(self, index: int) -> tuple[Reader, int]:
        """Return the reader that holds a sample, and the sample's index there."""

    def __getitem__(self, index: int) -> TextSample:
        reader, there = self._locate(index)
        return reader[there]

    def annotation(self, index: int) -> TextSample:
        reader, there = self._locate(index)
        return reader.annotation(there)

    def path(self, index: int) -> Path | None:
        reader, there = self._locate(index)
        return reader.path(there)

    def place(self, index: int, word: int) -> str:
        reader, there = self._locate(index)
        return reader.place(there, word)


class ConcatReader(Joined[Reader], ForwardedReader):
    """The samples of several readers of images, one reader after the other."""


class ChosenReader(ForwardedReader):
    """Some of the samples of another reader.

    Args:
        reader: the other reader.
        rows: indices of the samples in it, int [N]; None for all.
    """

    def __init__(self, reader: Reader, rows: np.ndarray | None) -> None:
        self._reader, self._rows = reader, rows

    @property
    def report(self) -> DropReport:
        """The report of the other reader, for all its samples."""
        return self._reader.report

    def __len__(self) -> int:
        return len(self._reader) if self._rows is None else len(self._rows)

    def fingerprint(self) -> str:
        # The rows are spread evenly, so their count determines them.
        return hashlib.sha256(f"{self._reader.fingerprint()} {len(self)}".encode()).hexdigest()[:16]

    def _locate(self, index: int) -> tuple[Reader, int]:
        index = self._checked(index)
        return self._reader, index if self._rows is None else int(self._rows[index])
