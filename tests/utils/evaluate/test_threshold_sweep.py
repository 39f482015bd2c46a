"""The sweep must give, at each pair of thresholds, exactly what an evaluation at those thresholds gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from painted_words import PLAIN, PaintedReader, ReadsRed

from config.schema.detection import DetectionTest
from config.schema.word_datasets import IcdarDataset
from metrics.detection_iou import Counts
from utils.evaluate.detector import DetectionResult, evaluate_detector
from utils.evaluate.sweep import ThresholdSweep

CPU = torch.device("cpu")
TEST = DetectionTest(dataset=IcdarDataset(root="unused"), canvas_size=640, mag_ratio=1.0)


class ShadedReader(PaintedReader):
    """The painted words with a soft glow of their own brightness around each: every threshold finds other boxes."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(3)
        for sample in self.samples:
            red = sample.image[:, :, 0].astype(float)
            red *= np.repeat(np.repeat(rng.uniform(0.45, 1, (4, 4)), 40, axis=0), 80, axis=1)
            sample.image[:, :, 0] = np.maximum(red, 255 * rng.random(red.shape) ** 12 * 0.5)


def run(test: DetectionTest, **arguments) -> DetectionResult:
    return evaluate_detector(ReadsRed(), ShadedReader(), test, PLAIN, CPU, "off", **arguments)


def test_every_point_equals_an_evaluation_of_its_own() -> None:
    sweep = ThresholdSweep(TEST)
    points = sweep.points(run(TEST, on_image=sweep.add))
    for point in points:
        update = {"text_threshold": point.text_threshold, "low_text": point.low_text}
        assert point.counts == run(TEST.model_copy(update=update)).counts
    assert len({point.counts for point in points}) > 3  # the thresholds do matter here
    assert len(points) == len({(point.low_text, point.text_threshold) for point in points}) == 7 + 7 + 6 + 5
    assert all(point.counts.images == 4 for point in points)  # the broken image's word is missed at each


def test_best_is_the_highest_and_of_equals_the_nearest() -> None:
    sweep = ThresholdSweep(TEST)
    result = run(TEST, on_image=sweep.add)
    best = sweep.best(result)
    assert best.counts.hmean == max(point.counts.hmean for point in sweep.points(result)) >= result.counts.hmean

    flat = ThresholdSweep(TEST.model_copy(update={"text_threshold": 0.65, "low_text": 0.33}))
    nothing = DetectionResult(Counts(), {}, {}, [], 0.0)
    assert (flat.best(nothing).text_threshold, flat.best(nothing).low_text) == (0.65, 0.33)


@pytest.mark.parametrize("low", [0.0, 1.0])
def test_own_thresholds_are_tried_whatever_they_are(low: float) -> None:
    test = TEST.model_copy(update={"low_text": low, "text_threshold": 0.1})
    sweep = ThresholdSweep(test)
    result = run(test, on_image=sweep.add)
    mine = [point for point in sweep.points(result) if point.low_text == low and point.text_threshold == 0.1]
    assert [point.counts for point in mine] == [result.counts]
