"""Several datasets as one."""

from __future__ import annotations

import bisect
import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path

from data.reader import DropReport, Reader
from data.sample import TextSample


class ConcatReader:
    """The samples of several readers, one reader after the other.

    Args:
        readers: at least one.
    """

    def __init__(self, readers: Sequence[Reader]) -> None:
        self._readers = list(readers)
        self._ends = list(itertools.accumulate(len(reader) for reader in self._readers))

    @property
    def report(self) -> DropReport:
        """The readers' reports added up, with the first three examples of each reason."""
        merged = DropReport()
        for own in (reader.report for reader in self._readers):
            merged.images += own.images
            merged.words += own.words
            merged.chars += own.chars
            merged.unparsed += [reason for reason in own.unparsed if reason not in merged.unparsed]
            for counts, theirs in ((merged.dropped, own.dropped), (merged.noted, own.noted)):
                for reason, count in theirs.items():
                    counts[reason] = counts.get(reason, 0) + count
            for reason, places in own.examples.items():
                merged.examples[reason] = (merged.examples.get(reason, []) + places)[:3]
        return merged

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, index: int) -> TextSample:
        reader, own = self._locate(index)
        return reader[own]

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image."""
        reader, own = self._locate(index)
        return reader.annotation(own)

    def path(self, index: int) -> Path | None:
        """Return the file of a sample's image; None where it has none of its own."""
        reader, own = self._locate(index)
        return reader.path(own)

    def fingerprint(self) -> str:
        joined = " ".join(reader.fingerprint() for reader in self._readers)
        return hashlib.sha256(joined.encode()).hexdigest()[:16]

    def _locate(self, index: int) -> tuple[Reader, int]:
        """Return the reader that holds a sample, and the sample's index there."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        which = bisect.bisect_right(self._ends, index)
        return self._readers[which], index - (self._ends[which - 1] if which else 0)
