"""Labelling and evaluation: passes in which the device may wait for Python."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain

import numpy as np
import torch

from benchmarks.gpu.bench import LOOK, OK, Bench, part, say
from benchmarks.labelling import label_one_by_one
from config.schema.datasets import SynthTextDataset
from config.schema.detection import DetectionTest
from data.preprocess import Preprocess
from data.pseudo_label.labeler import label_blocks
from data.pseudo_label.records import ImageLabels, LabelSettings
from data.reader import Reader
from data.readers import open_dataset
from model.craft import Craft
from utils.device import memory_format, resolve_amp
from utils.evaluate.detector import evaluate_detector
from utils.evaluate.sweep import ThresholdSweep
from utils.tasks.recognition import RecognitionTask
from utils.tasks.teacher import DetectorTeacher, batch_pixels, watershed_executor


def _scenes(bench: Bench) -> tuple[Reader, Craft]:
    reader = open_dataset(SynthTextDataset(format="synthtext", root=str(bench.data / "scenes" / "test")))
    torch.manual_seed(0)
    model = Craft(0.125 if bench.tiny else 1.0)
    return reader, model.to(bench.device, memory_format=memory_format(bench.device)).eval()


class _WithoutCharacters:
    """Scenes that hold the words alone, read once: what labelling has to do."""

    def __init__(self, reader: Reader, count: int) -> None:
        none = {"char_quads": np.zeros((0, 4, 2), np.float32), "char_words": np.zeros(0, np.int64)}
        self._samples = [replace(reader[place % len(reader)], **none) for place in range(count)]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int):
        return self._samples[index]


def labelling(bench: Bench) -> None:
    """Label words in batches and one by one; both must find the same."""
    reader, model = _scenes(bench)
    amp = resolve_amp("bf16", bench.device)
    settings = LabelSettings(crop_height=64 if bench.tiny else 128, crop_margin=0.5, preprocess=Preprocess(), amp=amp)
    teacher, count = DetectorTeacher(model, bench.device, amp), 2 if bench.tiny else 12
    words = _WithoutCharacters(reader, count)
    with part("labelling"), watershed_executor(bench.device) as executor:

        def batched() -> list[ImageLabels]:
            blocks = label_blocks(
                words, [range(count)], settings, teacher, executor=executor, max_batch_pixels=batch_pixels(bench.device)
            )
            return list(chain.from_iterable(blocks))

        batched()  # The processes start, and import.
        rates, found = [], []
        for way in (batched, lambda: list(label_one_by_one(words, range(count), settings, teacher))):
            begun = time.perf_counter()
            found.append(way())
            labelled = sum(int((labels.found >= 0).sum()) for labels in found[-1])
            rates.append(labelled / (time.perf_counter() - begun))
        say("labelling, in batches: words/s", rates[0])
        ratio = rates[0] / rates[1]
        say("labelling, in batches against one by one", f"{ratio:.1f}x", OK if ratio >= 5 else LOOK)
        other = sum(int((a.found != b.found).sum()) for a, b in zip(*found, strict=True))
        say("labelling: words with another number of characters", other, OK if other <= 0.02 * labelled else LOOK)


def evaluation(bench: Bench) -> None:
    """Evaluate a detector with and without the sweep of thresholds, and a recogniser."""
    reader, model = _scenes(bench)
    amp = resolve_amp("bf16", bench.device)
    dataset = {"format": "synthtext", "root": str(bench.data / "scenes" / "test")}
    test = DetectionTest.model_validate({"dataset": dataset, "canvas_size": 320 if bench.tiny else 1280})
    for sweep in (False, True):
        with part("evaluation"):
            add = ThresholdSweep(test).add if sweep else None
            result = evaluate_detector(model, reader, test, Preprocess(), bench.device, amp, on_image=add)
            say(f"evaluation{' with the sweep' if sweep else ''}: images/s", len(reader) / result.seconds)
    with part("reading"):
        config = bench.recognition("train.batch_size=4")
        task = RecognitionTask(config, bench.device, amp)
        task.evaluate(task.model)
        begun = time.perf_counter()
        result = task.evaluate(task.model)
        assert result is not None
        say("reading an evaluation's words: words/s", result.values["words"] / (time.perf_counter() - begun))
