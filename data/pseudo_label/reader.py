"""A dataset of words, with the characters that a teacher found in them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from data.pseudo_label.records import ImageLabels, WordKind
from data.pseudo_label.stored import PseudoLabels
from data.pseudo_label.words import image_checksum
from data.reader import DropReport, Reader, UnreadableSample
from data.sample import TextSample


class PseudoLabelReader(Reader):
    """Samples of a reader with pseudo-labels as character boxes and a confidence for each word.

    Words that have true character boxes keep them, with confidence 1. Words without any have confidence 0.

    Args:
        reader: the dataset.
        labels: finished labels of the same dataset.

    Raises:
        ValueError: the labels are of another dataset.
    """

    def __init__(self, reader: Reader, labels: PseudoLabels) -> None:
        if len(reader) != len(labels):
            raise ValueError(f"{labels.folder}: labels of {len(labels)} images, the dataset has {len(reader)}")
        self._reader = reader
        self._labels = labels

    @property
    def report(self) -> DropReport:
        """What the dataset's own reader left out."""
        return self._reader.report

    def __len__(self) -> int:
        return len(self._reader)

    def __getitem__(self, index: int) -> TextSample:
        """Return a sample.

        Raises:
            UnreadableSample: its image cannot be read, or is not the one that was labelled.
        """
        index = self._checked(index)
        sample, labels = self._reader[index], self._labels.of(index)
        if labels.checksum and image_checksum(sample.image) != labels.checksum:
            raise UnreadableSample(sample.sample_id, "image: is not the one its pseudo-labels were made from")
        return with_labels(sample, labels)

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image."""
        index = self._checked(index)
        return with_labels(self._reader.annotation(index), self._labels.of(index))

    def fingerprint(self) -> str:
        content = f"{self._reader.fingerprint()} {self._labels.folder.name}"
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def with_labels(sample: TextSample, labels: ImageLabels) -> TextSample:
    """Return a sample with pseudo-labels for the words that have no true characters of their own."""
    true = np.isin(sample.char_words, np.flatnonzero(labels.kind == WordKind.TRUE))
    owners = np.concatenate([sample.char_words[true], labels.char_words])
    quads = np.concatenate([sample.char_quads[true], labels.char_quads])
    order = np.argsort(owners, kind="stable")
    confidence = np.where(labels.kind == WordKind.TRUE, np.float32(1), labels.confidence)
    return replace(
        sample,
        char_quads=quads[order].astype(np.float32),
        char_words=owners[order].astype(np.int64),
        word_confidence=confidence.astype(np.float32),
    )
