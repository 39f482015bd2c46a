"""The training set of a recogniser: it reads, augments and fits samples, and joins them to batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from config.errors import UserError
from config.schema.word_data import WordData
from data.order import SampleOrder, position_rng, read_at
from data.recognition.augment import augmented
from data.recognition.buckets import WidthOrder, Widths
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader

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
    Several datasets are mixed in every batch by `data.order.MixedTrainingSet`, with one `part` each.

    Args:
        reader: the pictures and their labels.
        encoder: encodes the labels; it must know every character of them.
        settings: the `train.data` section.
        seed: seed of the run.
        batch: samples of this dataset in one step of the run, of all processes together.
        widths: of all samples of the reader, in any unit; None reads them in an order that does not look at widths.
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
        part: int = 0,
    ) -> None:
        if not len(reader):
            raise UserError("the training data holds no sample, check the `root` of its datasets and what was dropped")
        self.reader = reader
        self.encoder = encoder
        self.settings = settings
        self.preprocess = WordPreprocess.of(settings)
        self.seed = seed + part * PART_SEED
        self.order: SampleOrder | WidthOrder = SampleOrder(len(reader), self.seed)
        if widths is not None and settings.bucket_batches is not None and self.preprocess.fixed_width is None:
            self.order = WidthOrder(
                len(reader), self.seed, batch, widths, batches=settings.bucket_batches, schedule_seed=seed
            )  # fmt: skip

    def __getitem__(self, position: int) -> dict[str, Any]:
        sample, unreadable = read_at(self.reader, self.order, self.seed, position, "pictures")
        rng, settings = position_rng(self.seed, position), self.settings
        return {
            "image": augmented(sample.image, self.preprocess, settings.augment, rng, settings.extra_augment),
            "target": self.encoder.encode(sample.text),
            "text": sample.text,
            "sample_id": sample.sample_id,
            "unreadable": unreadable,
        }

    def index(self, position: int) -> int:
        """Return the index in the reader of the sample at a position of the run."""
        return self.order[position]


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
