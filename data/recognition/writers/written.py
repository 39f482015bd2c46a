"""What a writer of word datasets has put on the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass
class WrittenWords:
    """Counts of written words, and the files that hold them.

    Attributes:
        files: name relative to the dataset's folder -> size in bytes.
        words: number of words.
        characters: number of their labels' characters (code points).
    """

    files: dict[str, int] = field(default_factory=dict)
    words: int = 0
    characters: int = 0
    _labels: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, text: str) -> None:
        """Count the label of the next word."""
        self.words += 1
        self.characters += len(text)
        self._labels.update(text.encode() + b"\n")

    def labels_sha256(self) -> str:
        """Return a hash of the labels in their order, the same for every format."""
        return self._labels.hexdigest()
