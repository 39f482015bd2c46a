"""One picture of a word or a line with its text, and what a dataset of them offers."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from data.reader import BaseReader


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


class WordReader(BaseReader):
    """A dataset of pictures of words or lines. What a reader does not declare has the default below.

    Attributes:
        report: what was kept and what was left out, by reason; `words` counts the samples.
        drawn: pictures are drawn when they are asked for, so that pictures and their sizes take time.
        slow_labels: so are the labels: `text` and `name` take as much.
        stored: pictures are image files, in folders or in a database, which `raw` returns.
        characters: every character that a label may have; None where only the labels tell.
        longest: greatest number of characters of a label; None where there is no limit, or only the labels tell.
    """

    drawn: bool = False
    slow_labels: bool = False
    stored: bool = False
    characters: frozenset[str] | None = None
    longest: int | None = None

    @abstractmethod
    def __getitem__(self, index: int) -> WordSample:
        """Return a sample; raise `data.reader.UnreadableSample` where its picture cannot be read."""

    @abstractmethod
    def text(self, index: int) -> str:
        """Return a sample's label without touching its picture."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Return the `sample_id` of a sample without touching its picture."""

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of a picture in pixels from its header, without decoding it; raise as `[]` does."""

    def raw(self, index: int) -> bytes | None:
        """Return a picture's image file as it is stored, or None; raise as `[]` does."""
        return None
