"""A dataset of words, with the characters that a teacher found in them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.preprocess import Preprocess
from data.pseudo_label.records import COLUMN_NAMES, ImageLabels, LabelSettings, LabelStatistics, WordKind
from data.pseudo_label.words import image_checksum
from data.reader import DropReport, Reader, UnreadableSample
from data.sample import TextSample

COLUMNS = "columns"
"""Folder of the columns, inside that of the cache."""
ABOUT = "labels.json"
"""File beside the columns: teacher, dataset, settings, statistics."""


class PseudoLabels:
    """The finished labels of a dataset. They are cheap to pickle: each process maps the columns on first use.

    Args:
        folder: of a `LabelCache` that is complete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._maps: dict[str, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"folder": self.folder, "_maps": None}

    def __len__(self) -> int:
        return len(self._columns["checksum"])

    def of(self, index: int) -> ImageLabels:
        """Return the labels of an image by its index in the dataset; the arrays are copies."""
        columns = self._columns
        if not 0 <= index < len(columns["checksum"]):
            raise IndexError(index)
        first, last = (int(columns["word_ends"][k]) if k >= 0 else 0 for k in (index - 1, index))
        start = int(columns["char_ends"][first - 1]) if first else 0
        ends = np.asarray(columns["char_ends"][first:last])
        stop = int(ends[-1]) if len(ends) else start
        counts = np.diff(ends, prepend=start)
        return ImageLabels(
            np.array(columns["char_quads"][start:stop]),
            np.repeat(np.arange(last - first), counts),
            *(np.array(columns[name][first:last]) for name in ("confidence", "kind", "found")),
            checksum=int(columns["checksum"][index]),
        )

    @property
    def settings(self) -> LabelSettings:
        """What the labels were made with.

        Raises:
            UserError: the file that says so is gone or damaged.
        """
        path = self.folder / COLUMNS / ABOUT
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))["settings"]
            return LabelSettings(**{**stored, "preprocess": Preprocess.from_state(stored["preprocess"])})
        except (OSError, ValueError, LookupError, TypeError) as fault:
            raise UserError(f"{path} cannot be read ({fault}); remove {self.folder}, it is made anew") from fault

    @property
    def teacher(self) -> str:
        """Hash of the weights that made them."""
        return self.folder.name.rpartition("-")[2]

    def statistics(self) -> LabelStatistics:
        """Return sums over the whole dataset."""
        return LabelStatistics.of(len(self), self._columns["kind"], self._columns["confidence"])

    @property
    def _columns(self) -> dict[str, np.ndarray]:
        if self._maps is None:
            folder = self.folder / COLUMNS
            self._maps = {name: _mapped(folder / f"{name}.npy") for name in COLUMN_NAMES}
        return self._maps


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise UserError(f"{path} cannot be read ({fault}); remove {path.parent.parent}, it is made anew") from fault


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
