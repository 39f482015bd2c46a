"""A protocol that a file registers is what the evaluation, its results and the sweep go by."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from painted_words import PLAIN, PaintedReader, ReadsRed

from config.schema.detection import DetectionTest
from config.schema.word_datasets import IcdarDataset
from metrics.detection import DETECTION_PROTOCOLS
from metrics.detection_iou import DetectionIoU
from utils.evaluate.detector import evaluate_detector
from utils.evaluate.results import image_lines, summary, write_results
from utils.evaluate.sweep import ThresholdSweep


@DETECTION_PROTOCOLS.register("test_iou_08")
class StrictIoU(DetectionIoU):
    """The competition's protocol, but for the IoU; of the painted words one fewer is found."""

    name = "test_iou_08"

    def __init__(self, iou: float = 0.5) -> None:
        super().__init__(0.8)


def test_evaluation_results_and_sweep(tmp_path: Path) -> None:
    test = DetectionTest(
        dataset=IcdarDataset(root="unused"), canvas_size=640, mag_ratio=0.25, protocol="test_iou_08"
    )  # at this scale a box is exact to 12 pixels
    found = {}
    for name in ("icdar_iou", "test_iou_08"):
        test = test.model_copy(update={"protocol": name})
        sweep = ThresholdSweep(test)
        result = evaluate_detector(
            ReadsRed(), PaintedReader(), test, PLAIN, torch.device("cpu"), "off", on_image=sweep.add
        )
        own = [point for point in sweep.points(result) if (point.text_threshold, point.low_text) == (0.7, 0.4)]
        assert [point.counts for point in own] == [result.counts]
        found[name] = result
    path = write_results(tmp_path, summary(result, test, "best.pth", "ab12"), image_lines(result))
    values = json.loads(path.read_text())
    assert (values["protocol"], values["thresholds"]["iou"]) == ("test_iou_08", 0.8)
    assert found["test_iou_08"].counts.matched < found["icdar_iou"].counts.matched
