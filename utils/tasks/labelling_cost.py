"""The duration of a labelling pass of weak supervision, estimated from a few images."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from data.pseudo_label.labeler import label_blocks
from data.pseudo_label.records import LabelSettings
from data.reader import Reader
from utils.tasks.teacher import DetectorTeacher, batch_pixels

_IMAGES, _BUDGET = 32, 6.0


def labelling_seconds(model: nn.Module, reader: Reader, settings: LabelSettings, device: torch.device) -> float | None:
    """Return the seconds of one labelling pass over all words, or None if the sampled images have no word to label.

    Images spread over the dataset are labelled in random order for six seconds. An untrained network finds no
    characters, so the estimate then lacks the time of the watershed, a few per cent of the whole.

    Args:
        model: the teacher, on `device`.
        reader: the words.
        settings: thresholds and sizes, and the precision.
        device: where `model` is.
    """
    looked = min(_IMAGES, len(reader))
    rows = np.random.default_rng(0).permutation(looked) * len(reader) // max(1, looked)
    images, words, begun = 0, 0, time.perf_counter()
    for labels in label_blocks(
        reader, rows.reshape(-1, 1).tolist(), settings, DetectorTeacher(model, device, settings.amp),
        max_batch_pixels=batch_pixels(device), loader_threads=1,
    ):  # fmt: skip
        images += len(labels)
        words += sum(int((label.found >= 0).sum()) for label in labels)
        if time.perf_counter() - begun > _BUDGET:
            break
    return (time.perf_counter() - begun) / images * len(reader) if words else None
