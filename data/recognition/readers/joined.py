"""Several datasets of words as one."""

from __future__ import annotations

from data.readers.concat import Joined
from data.recognition.sample import WordReader, WordSample


class JoinedWords(Joined[WordReader], WordReader):
    """The samples of several readers of words, one reader after the other.

    It is `drawn`, has `slow_labels` or is `stored` if at least one of them is.
    """

    @property
    def drawn(self) -> bool:
        return any(reader.drawn for reader in self.readers)

    @property
    def slow_labels(self) -> bool:
        return any(reader.slow_labels for reader in self.readers)

    @property
    def stored(self) -> bool:
        return any(reader.stored for reader in self.readers)

    def __getitem__(self, index: int) -> WordSample:
        reader, index_there = self._locate(index)
        return reader[index_there]

    def text(self, index: int) -> str:
        reader, index_there = self._locate(index)
        return reader.text(index_there)

    def name(self, index: int) -> str:
        reader, index_there = self._locate(index)
        return reader.name(index_there)

    def size(self, index: int) -> tuple[int, int]:
        reader, index_there = self._locate(index)
        return reader.size(index_there)

    def raw(self, index: int) -> bytes | None:
        reader, index_there = self._locate(index)
        return reader.raw(index_there)
