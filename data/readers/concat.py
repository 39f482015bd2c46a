"""Several datasets as one."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Generic, TypeVar

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

    def path(self, index: int) -> Path | None:
        reader, index_there = self._locate(index)
        return reader.path(index_there)

    def _locate(self, index: int) -> tuple[AnyReader, int]:
        """Return the reader that holds a sample, and the sample's index there."""
        index = self._checked(index)
        which = bisect.bisect_right(self._ends, index)
        return self.readers[which], index - (self._ends[which - 1] if which else 0)


class ConcatReader(Joined[Reader], Reader):
    """The samples of several readers of images, one reader after the other."""

    def __getitem__(self, index: int) -> TextSample:
        reader, index_there = self._locate(index)
        return reader[index_there]

    def annotation(self, index: int) -> TextSample:
        reader, index_there = self._locate(index)
        return reader.annotation(index_there)

    def place(self, index: int, word: int) -> str:
        reader, index_there = self._locate(index)
        return reader.place(index_there, word)
