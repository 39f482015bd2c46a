"""The training set of the detector: it reads and augments samples, draws their targets and joins them to batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset, default_collate

from config.errors import UserError
from config.schema.detection import DetectionData
from data.augment.color import color_jitter
from data.augment.geometry import sample_matrix, warp_sample
from data.augment.registry import PHOTOMETRIC, changed
from data.heatmap.targets import draw_targets
from data.order import SampleOrder, position_rng, read_at
from data.reader import Reader
from data.sample import TextSample


class DetectionTrainingSet(Dataset):
    """Samples by their position in the run (see `data.order`), not by their index in the dataset.

    A sample that cannot be read is replaced by another one and named in the batch. Twenty such samples in a row are an
    error.

    Args:
        reader: the annotated images.
        settings: the `train.data` section.
        seed: seed of the run.
    """

    def __init__(self, reader: Reader, settings: DetectionData, seed: int) -> None:
        if not len(reader):
            raise UserError("the training data holds no image, check the `root` of its datasets")
        self.reader = reader
        self.settings = settings
        self.seed = seed
        self.order = SampleOrder(len(reader), seed)

    def __getitem__(self, position: int) -> dict[str, Any]:
        sample, unreadable = read_at(self.reader, self.order, self.seed, position, "images")
        sample = self.augment(sample, position_rng(self.seed, position))
        targets = draw_targets(sample, self.settings)
        return {
            "image": sample.image,
            "region": targets.region,
            "affinity": targets.affinity,
            "mask": targets.mask,
            "sample_id": sample.sample_id,
            "unreadable": unreadable,
        }

    def augment(self, sample: TextSample, rng: np.random.Generator) -> TextSample:
        """Return the sample as one square training image, changed at random by `rng`."""
        augment, side = self.settings.augment, self.settings.output_size
        sample = warp_sample(sample, sample_matrix(rng, sample, augment, side), side)
        if augment.random_colorjitter.option:
            sample = replace(sample, image=color_jitter(rng, sample.image, augment.random_colorjitter))
        return replace(sample, image=changed(PHOTOMETRIC, augment.photometric, sample.image, rng))


def collate(samples: list[dict[str, Any]], maps: torch.dtype = torch.float32) -> dict[str, Any]:
    """Join samples: `image` uint8 [B, H, W, 3]; `region`, `affinity`, `mask` [B, H/2, W/2]; lists of names.

    In a loader process the samples are copied once, into the memory that it shares with the training process.

    Args:
        samples: items of a `DetectionTrainingSet`.
        maps: type of the maps; float16 takes half the memory and changes values by at most 0.00025.
    """
    # What a tensor can be made of without a copy: contiguous and writable.
    images = [np.require(sample["image"], requirements="CW") for sample in samples]
    batch: dict[str, Any] = {"image": default_collate(images)}
    for name in ("region", "affinity", "mask"):
        batch[name] = default_collate([torch.from_numpy(sample[name]).to(maps) for sample in samples])
    batch["sample_id"] = [sample["sample_id"] for sample in samples]
    batch["unreadable"] = [name for sample in samples for name in sample["unreadable"]]
    return batch
