"""The training set of a recogniser: it reads, augments and fits samples, and joins them to batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from config.errors import UserError
from config.schema.word_data import WordData
from data.order import SampleOrder, position_rng
from data.reader import UnreadableSample
from data.recognition.augment import augmented
from data.recognition.buckets import WidthOrder, Widths
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader, WordSample

MAX_UNREADABLE_IN_A_ROW = 20
PART_SEED = 0x5EED
"""Added to the seed for each further dataset of a run, so that the parts of a batch are augmented differently."""


class TargetEncoder(Protocol):
    """Encodes labels as classes: an alphabet, or a recogniser's encoder with further classes."""

    def encode(self, text: str) -> list[int]:
        """Return the classes of a label."""
        ...


class WordTrainingSet(Dataset):
    """Samples by their position in the run (see `data.order`), not by their index in the dataset.

    A sample that cannot be read is replaced by another one and named in the batch. Twenty such samples in a row are an
    error.
    Several datasets are mixed in every batch by `data.mixing.MixedTrainingSet`, with one `part` each.

    Args:
        reader: the pictures and their labels.
        encoder: encodes the labels; it must know every character of the samples in `kept`.
        settings: the `train.data` section.
        seed: seed of the run.
        batch: samples of this dataset in one step of the run, of all processes together.
        widths: of all samples of the reader, in any unit; None for an order that does not depend on widths.
        kept: int [N], indices of the samples to train on, after filters; None for all.
        target: how a label is written before it is encoded, such as `str.lower`; a function that can be pickled.
        part: index of this dataset among those of the run.
    """

    def __init__(
        self,
        reader: WordReader,
        encoder: TargetEncoder,
        settings: WordData,
        seed: int,
        *,
        batch: int,
        widths: Widths | None = None,
        kept: np.ndarray | None = None,
        target: Callable[[str], str] = str,
        part: int = 0,
    ) -> None:
        self._kept = None if kept is None else np.asarray(kept, np.int64)
        size = len(reader) if self._kept is None else len(self._kept)
        if not size:
            raise UserError("the training data holds no sample, check the `root` of its datasets and what was dropped")
        self.reader = reader
        self.encoder = encoder
        self.settings = settings
        self.preprocess = WordPreprocess.of(settings)
        self.seed = seed + part * PART_SEED
        self._target = target
        self.order: SampleOrder | WidthOrder = SampleOrder(size, self.seed)
        if widths is not None and settings.bucket_batches is not None and self.preprocess.fixed_width is None:
            kept_widths = widths if self._kept is None else _KeptWidths(widths, self._kept)
            self.order = WidthOrder(
                size, self.seed, batch, kept_widths, batches=settings.bucket_batches, schedule_seed=seed
            )  # fmt: skip

    def __getitem__(self, position: int) -> dict[str, Any]:
        sample, unreadable = self._read(position)
        text = self._target(sample.text)
        rng, settings = position_rng(self.seed, position), self.settings
        return {
            "image": augmented(sample.image, self.preprocess, settings.augment, rng, settings.extra_augment),
            "target": self.encoder.encode(text),
            "text": text,
            "sample_id": sample.sample_id,
            "unreadable": unreadable,
        }

    def index(self, position: int) -> int:
        """Return the index in the reader of the sample at a position of the run."""
        return self._index(self.order[position])

    def _index(self, index: int) -> int:
        return index if self._kept is None else int(self._kept[index])

    def _read(self, position: int) -> tuple[WordSample, list[str]]:
        index, unreadable = self.index(position), []
        # Substitutes come from anywhere in the dataset: what is missing is often a whole folder.
        substitutes = np.random.default_rng((self.seed, 2, position))
        while len(unreadable) < MAX_UNREADABLE_IN_A_ROW:
            try:
                return self.reader[index], unreadable
            except UnreadableSample as fault:
                unreadable.append(str(fault))
                index = self._index(int(substitutes.integers(self.order.size)))
        raise UserError(
            f"{MAX_UNREADABLE_IN_A_ROW} pictures in a row cannot be read, the last one: {unreadable[-1]}; "
            "check that they lie where the dataset's `root` says"
        )


@dataclass(frozen=True)
class WordCollate:
    """Joins samples to a batch.

    The batch holds `image` uint8 [B, H, W, C], padded to the widest; `widths` int64 [B], the width of each picture
    before that padding; `targets` int64 [B, L], classes, padded with 0; `target_lengths` int64 [B]; `texts` and
    `sample_id`, a list each; and `unreadable`, the names of samples that were replaced. Pictures and targets are
    tensors, which are copied to the device; the two lengths are arrays, because they are used on the CPU.

    Args:
        preprocess: what made the inputs.
    """

    preprocess: WordPreprocess

    def __call__(self, samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        images, widths = self.preprocess.join([sample["image"] for sample in samples])
        lengths = [len(sample["target"]) for sample in samples]
        targets = torch.zeros(len(samples), max(lengths), dtype=torch.int64)
        for row, sample in zip(targets, samples, strict=True):
            row[: len(sample["target"])] = torch.tensor(sample["target"], dtype=torch.int64)
        return {
            "image": images,
            "widths": widths.numpy(),
            "targets": targets,
            "target_lengths": np.array(lengths),
            "texts": [sample["text"] for sample in samples],
            "sample_id": [sample["sample_id"] for sample in samples],
            "unreadable": [name for sample in samples for name in sample["unreadable"]],
        }


def widest_batch(batch: Mapping[str, Any], preprocess: WordPreprocess, width_multiple: int) -> dict[str, Any]:
    """Return a batch of the same number of samples that takes as much memory as any batch can.

    All pictures have the greatest width, except the first, which is narrower by one step if pictures may differ in
    width: networks set the padding to zero, which takes additional memory.

    Args:
        batch: what `WordCollate` returned.
        preprocess: what made the inputs.
        width_multiple: of the network, see `model.recognizer.Recognizer`.
    """
    greatest = int(preprocess.input_width(preprocess.height, preprocess.max_width))
    images = preprocess.padded_to(batch["image"], max(greatest, batch["image"].shape[2]))
    widths = np.full(len(images), images.shape[2], np.int64)
    if preprocess.fixed_width is None:
        widths[0] = max(preprocess.min_width, widths[0] - max(width_multiple, preprocess.width_multiple))
    return {**batch, "image": images, "widths": widths}


@dataclass(frozen=True)
class _KeptWidths:
    """Widths of the samples that a filter kept, by their index among these."""

    widths: Widths
    kept: np.ndarray

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return self.widths[self.kept[indices]]
