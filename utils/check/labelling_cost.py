"""What a labelling pass of weak supervision costs, from labelling a few words of the data."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from config.schema.detection import DetectionConfig
from data.preprocess import Preprocess
from data.pseudo_label.labeler import label_blocks
from data.pseudo_label.records import LabelSettings
from model.registry import build_detector
from utils.check.sources import Source
from utils.device import Amp, memory_format
from utils.tasks.teacher import DetectorTeacher, batch_pixels

_IMAGES, _BUDGET = 32, 6.0


def labelling_seconds(
    sources: Sequence[Source], config: DetectionConfig, device: torch.device, amp: Amp
) -> float | None:
    """Return the seconds of one labelling pass over all words, or None where no image looked at has a word to label.

    A fresh network labels images spread over each dataset, one block each, until six seconds are over. It finds no
    characters, so that the watershed, a few per cent of the whole, is not counted.

    Args:
        sources: the datasets of the job.
        config: the whole job; `train.weak` is given.
        device, amp: where the teacher runs, and its precision.
    """
    weak, data = config.train.weak, config.train.data
    assert weak is not None
    settings = LabelSettings.of(weak, Preprocess(tuple(data.mean), tuple(data.std)), amp)
    model = build_detector(config.model).to(device, memory_format=memory_format(device)).eval()
    teacher, total, labelled = DetectorTeacher(model, device, amp), 0.0, False
    for source in sources:
        if source.role != "words":
            continue
        images, begun, words = 0, time.perf_counter(), 0
        blocks = source.spread(_IMAGES).reshape(-1, 1).tolist()
        for labels in label_blocks(
            source.reader, blocks, settings, teacher, max_batch_pixels=batch_pixels(device), loader_threads=1
        ):
            images += len(labels)
            words += sum(int((one.found >= 0).sum()) for one in labels)
            if time.perf_counter() - begun > _BUDGET:
                break
        labelled |= words > 0
        total += (time.perf_counter() - begun) / max(1, images) * len(source.reader)
    return total if labelled else None
