"""The reader of all formats of images with word boxes: a folder of images and a table of their words."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from config.schema.word_datasets import WordDataset
from data.reader import DropReport, Reader, UnreadableSample, check_dropped, choose_samples
from data.readers.images import read_image
from data.readers.quads import outside_image
from data.readers.word_builder import WordBuilder
from data.readers.word_table import Texts
from data.sample import TextSample


class WordReader(Reader):
    """Reader of images with words.

    Words beyond the image's right or lower edge are found only when it is read. They are kept, because an evaluation
    has to count them, and noted once in the `report` of the process that read the image.

    Args:
        folder: folder of the images.
        words: the content of the label files.
        config: the dataset's section.
        source: name of the dataset, for messages.

    Attributes:
        report: counts over all images that `select` takes, whatever `samples` selects.

    Raises:
        UserError: there is no image, or too many words are faulty.
    """

    def __init__(self, folder: Path, words: WordBuilder, config: WordDataset, source: str) -> None:
        self._folder = folder.resolve()
        self._upright = config.exif_orientation == "apply"
        self._table = words.table()
        self.report: DropReport = words.report
        check_dropped(self.report, config.max_dropped, source)
        chosen = choose_samples(len(self._table), config.samples, source)
        if chosen is not None:
            self._table = self._table.take(chosen)
        self._counted: set[int] = set()

    def __len__(self) -> int:
        return len(self._table)

    def __getitem__(self, index: int) -> TextSample:
        index = self._checked(index)
        sample = self._table.annotation(index)
        image = read_image(self._folder, sample.sample_id, sample.sample_id, self._upright)
        height, width = self._table.sizes[index].tolist()
        if height and (height, width) != image.shape[:2]:
            sizes = f"{image.shape[1]}x{image.shape[0]} pixels, its labels were made for {width}x{height}"
            raise UnreadableSample(sample.sample_id, f"image: {sizes}")
        self._note_outside(sample, image, index)
        return replace(sample, image=image)

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image."""
        return self._table.annotation(self._checked(index))

    def path(self, index: int) -> Path | None:
        """Return the file of a sample's image."""
        return self._folder / self._table.names[self._checked(index)]

    def place(self, index: int, word: int) -> str:
        """Return where a word of a sample is written, such as "gt_img_7.txt line 3"."""
        return self._table.place(self._checked(index), word)

    def __getstate__(self) -> dict[str, Any]:
        # Loader processes do not need the places, which are only for messages.
        return {**self.__dict__, "_table": replace(self._table, places=Texts([]))}

    def fingerprint(self) -> str:
        # The orientation of the pictures decides what is inside the boxes.
        return hashlib.sha256(f"{self._table.digest()} {self._upright}".encode()).hexdigest()[:16]

    def _note_outside(self, sample: TextSample, image: np.ndarray, index: int) -> None:
        """Count words beyond the right or lower edge; those beyond the other two were counted by `WordBuilder`."""
        if index in self._counted or not sample.words:
            return
        self._counted.add(index)
        beyond = outside_image(sample.word_quads, *image.shape[:2]) & ~(sample.word_quads < -0.5).all(1).any(1)
        if beyond.any():
            self.report.note("word: outside the image", sample.sample_id, int(beyond.sum()))
