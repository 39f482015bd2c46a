"""The training set of the detector: it reads and augments samples, draws their targets and joins them to batches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from config.errors import UserError
from config.schema.detection import DetectionData
from data.augment.color import color_jitter
from data.augment.geometry import sample_matrix, warp_sample
from data.augment.registry import PHOTOMETRIC, changed
from data.heatmap.targets import draw_targets
from data.order import SampleOrder, position_rng
from data.reader import Reader, UnreadableSample
from data.sample import TextSample

MAX_UNREADABLE_IN_A_ROW = 20


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
        sample, unreadable = self._read(position)
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

    def _read(self, position: int) -> tuple[TextSample, list[str]]:
        index, unreadable = self.order[position], []
        # Substitutes come from anywhere in the dataset: what is missing is often a whole folder.
        substitutes = np.random.default_rng((self.seed, 2, position))
        while len(unreadable) < MAX_UNREADABLE_IN_A_ROW:
            try:
                return self.reader[index], unreadable
            except UnreadableSample as fault:
                unreadable.append(str(fault))
                index = int(substitutes.integers(len(self.reader)))
        raise UserError(
            f"{MAX_UNREADABLE_IN_A_ROW} images in a row cannot be read, the last one: {unreadable[-1]}; "
            "check that the images lie where the dataset's `root` says"
        )


def collate(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Join samples: `image` uint8 [B, H, W, 3]; `region`, `affinity`, `mask` float32 [B, H/2, W/2]; lists of names."""
    batch: dict[str, Any] = {
        name: torch.from_numpy(np.stack([sample[name] for sample in samples]))
        for name in ("image", "region", "affinity", "mask")
    }
    batch["sample_id"] = [sample["sample_id"] for sample in samples]
    batch["unreadable"] = [name for sample in samples for name in sample["unreadable"]]
    return batch
