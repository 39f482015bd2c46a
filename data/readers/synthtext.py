"""SynthText: images with word and character boxes (Gupta et al., CVPR 2016)."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from config.schema.datasets import SynthTextDataset
from data.reader import Reader, check_dropped, choose_samples
from data.readers.quads import outside_image
from data.readers.synthtext_source import find_source
from data.readers.synthtext_store import open_index
from data.sample import TextSample


class SynthTextReader(Reader):
    """Reader of `gt.mat` or of the generator's `.h5` files, over the memory-mapped index.

    Boxes wholly to the left of the image or above it are dropped when the index is made. Boxes beyond the right or
    lower edge are found only when the image is read: `__getitem__` drops them and counts them once in the `report` of
    the process that read the image.

    Attributes:
        report: counts over the whole ground truth, whatever `samples` selects.

    Raises:
        UserError: see `synthtext_source.find_source`, `synthtext_store.open_index` and `data.reader`.
    """

    def __init__(self, config: SynthTextDataset) -> None:
        self._source = find_source(config)
        self._index = open_index(self._source, config.index_dir)
        self.report = copy.deepcopy(self._index.report)
        check_dropped(self.report, config.max_dropped, self._source.label)
        self._chosen = choose_samples(len(self._index), config.samples, self._source.label)
        self._counted: set[int] = set()

    def __len__(self) -> int:
        return len(self._index) if self._chosen is None else len(self._chosen)

    def __getitem__(self, index: int) -> TextSample:
        sample = self.annotation(index)
        image = self._source.image(sample.sample_id)
        return self._inside(replace(sample, image=image), index)

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image; some of its boxes may lie outside the image."""
        return self._index.annotation(self._stored_index(index))

    def path(self, index: int) -> Path | None:
        """Return the file of a sample's image; None where it lies in an `.h5` file."""
        return self._source.path(self._index.name(self._stored_index(index)))

    def fingerprint(self) -> str:
        content = f"{self._index.digest} {len(self)}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def _stored_index(self, index: int) -> int:
        """Return a sample's place in the index."""
        index = self._checked(index)
        return index if self._chosen is None else int(self._chosen[index])

    def _inside(self, sample: TextSample, index: int) -> TextSample:
        """Drop words and characters that lie wholly outside the image."""
        height, width = sample.image.shape[:2]
        words_out = outside_image(sample.word_quads, height, width)
        chars_out = outside_image(sample.char_quads, height, width) | words_out[sample.char_words]
        # A word without characters inside cannot be drawn; see `synthtext_build`.
        words_out |= np.bincount(sample.char_words[~chars_out], minlength=len(sample.words)) == 0
        if not (words_out.any() or chars_out.any()):
            return sample
        if index % len(self) not in self._counted:
            self._counted.add(index % len(self))
            for item, out in (("word", words_out), ("char", chars_out)):
                if out.any():
                    self.report.drop(f"{item}: outside the image", sample.sample_id, int(out.sum()))
            self.report.words -= int(words_out.sum())
            self.report.chars -= int(chars_out.sum())
        new_index = np.cumsum(~words_out) - 1
        return replace(
            sample,
            words=[word for word, out in zip(sample.words, words_out, strict=True) if not out],
            word_quads=sample.word_quads[~words_out],
            ignore=sample.ignore[~words_out],
            char_quads=sample.char_quads[~chars_out],
            char_words=new_index[sample.char_words[~chars_out]],
        )
