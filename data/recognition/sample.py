"""One picture of a word or a line with its text, and the interface of datasets of them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from data.reader import BaseReader


@dataclass(frozen=True)
class WordSample:
    """A picture and its text.

    Attributes:
        sample_id: name of the sample within its dataset, unique there.
        image: uint8 [H, W, 3] RGB.
        text: the label of the dataset in Unicode's NFC; no character is removed, and case is kept.
    """

    sample_id: str
    image: np.ndarray
    text: str


class WordReader(BaseReader):
    """A dataset of pictures of words or lines. Attributes that a reader does not set have the default below.

    Attributes:
        report: what was kept and what was left out, by reason; `words` counts the samples.
        drawn: pictures are drawn when they are needed, so that reading one, or its size, is slow.
        slow_labels: `text` and `name` draw the picture, too, and are as slow.
        stored: pictures are image files, in folders or in a database, which `raw` returns.
        characters: every character that a label may have; None if it is known only from the labels.
        longest: greatest number of characters of a label; None without a limit, or if it is known only from the labels.
    """

    drawn: bool = False
    slow_labels: bool = False
    stored: bool = False
    characters: frozenset[str] | None = None
    longest: int | None = None

    @abstractmethod
    def __getitem__(self, index: int) -> WordSample:
        """Return a sample; raise `data.reader.UnreadableSample` if its picture cannot be read."""

    @abstractmethod
    def text(self, index: int) -> str:
        """Return a sample's label without reading its picture."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Return the `sample_id` of a sample without reading its picture."""

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Return (height, width) of a picture, pixels, from its header without decoding it; raises as `[]` does."""

    def raw(self, index: int) -> bytes | None:
        """Return a picture's image file as it is stored, or None; raises as `[]` does."""
        return None
