"""Several datasets of words as one."""

from __future__ import annotations

from data.readers.concat import Joined
from data.recognition.sample import WordReader, WordSample


class JoinedWords(Joined[WordReader], WordReader):
    """The samples of several readers of words, one reader after the other; it is what one of them at least is."""

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
        reader, own = self._locate(index)
        return reader[own]

    def text(self, index: int) -> str:
        reader, own = self._locate(index)
        return reader.text(own)

    def name(self, index: int) -> str:
        reader, own = self._locate(index)
        return reader.name(own)

    def size(self, index: int) -> tuple[int, int]:
        reader, own = self._locate(index)
        return reader.size(own)

    def raw(self, index: int) -> bytes | None:
        reader, own = self._locate(index)
        return reader.raw(own)
