"""One picture of a word or a line with its text, and what a dataset of them offers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from data.reader import DropReport


@dataclass(frozen=True)
class WordSample:
    """A picture and what is written on it.

    Attributes:
        sample_id: name of the sample within its dataset, unique there.
        image: uint8 [H, W, 3] RGB.
        text: the label in Unicode's NFC, as the dataset has it: no character is removed, case is kept.
    """

    sample_id: str
    image: np.ndarray
    text: str


class WordReader(Protocol):
    """A random-access dataset. Readers are cheap to pickle: file handles and databases open lazily per process.

    Attributes:
        report: what was kept and what was left out, by reason; `words` counts the samples.
    """

    report: DropReport

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> WordSample:
        """Return a sample; raise `data.reader.UnreadableSample` where its picture cannot be read."""
        ...

    def text(self, index: int) -> str:
        """Return a sample's label without touching its picture."""
        ...

    def name(self, index: int) -> str:
        """Return the `sample_id` of a sample without touching its picture."""
        ...

    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of a picture in pixels from its header, without decoding it; raise as `[]` does."""
        ...

    def path(self, index: int) -> Path | None:
        """Return the file of a picture, which need not exist; None where it has no file of its own."""
        ...

    def fingerprint(self) -> str:
        """Return a short hash that changes when the labels or the list of samples change."""
        ...
