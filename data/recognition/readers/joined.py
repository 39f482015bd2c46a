"""Several datasets of words as one."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from data.readers.concat import ConcatReader
from data.recognition.readers.chosen import raw_bytes
from data.recognition.sample import WordReader, WordSample


class JoinedWords(ConcatReader):
    """The samples of several readers of words, one reader after the other.

    Args:
        readers: at least one.
    """

    @property
    def readers(self) -> list[WordReader]:
        """The readers that were joined."""
        return cast("list[WordReader]", self._readers)

    @property
    def drawn(self) -> bool:
        """Pictures of one of the readers are drawn when they are asked for."""
        return any(getattr(reader, "drawn", False) for reader in self.readers)

    @property
    def slow_labels(self) -> bool:
        """Labels of one of them are known only once the picture is drawn."""
        return any(getattr(reader, "slow_labels", False) for reader in self.readers)

    def __getitem__(self, index: int) -> WordSample:
        reader, own = self._of(index)
        return reader[own]

    def text(self, index: int) -> str:
        reader, own = self._of(index)
        return reader.text(own)

    def name(self, index: int) -> str:
        reader, own = self._of(index)
        return reader.name(own)

    def size(self, index: int) -> tuple[int, int]:
        reader, own = self._of(index)
        return reader.size(own)

    def path(self, index: int) -> Path | None:
        reader, own = self._of(index)
        return reader.path(own)

    def raw(self, index: int) -> bytes | None:
        """Return the image file of a sample as it is stored; None where it has none."""
        reader, own = self._of(index)
        return raw_bytes(reader, own)

    def _of(self, index: int) -> tuple[WordReader, int]:
        return cast("tuple[WordReader, int]", self._locate(index))
