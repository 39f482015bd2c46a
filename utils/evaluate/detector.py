"""Runs a detector over a dataset and scores what it finds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from config.errors import UserError
from config.schema.detection import DetectionTest
from data.io.progress import progress_bar
from data.io.read_ahead import read_ahead
from data.preprocess import FittedImage, Preprocess
from data.reader import Reader, UnreadableSample
from data.sample import TextSample
from metrics.detection import Counts, DetectionMetric, ImageRecord, metric_of
from metrics.recognition import WordMetric
from utils.decode import Detections, detect_words, map_to_image
from utils.device import Amp, autocast, memory_for
from utils.distributed.processes import ALONE, Processes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageOutcome:
    """The outcome of an evaluated image, for drawings.

    Attributes:
        sample: the image and its ground truth.
        detections: in image pixels.
        record: the matches.
        region, affinity: float32 [H/2, W/2], the network's maps.
        matrix: float64 [3, 3], from image pixels to network-input pixels.
    """

    sample: TextSample
    detections: Detections
    record: ImageRecord
    region: np.ndarray
    affinity: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True)
class DetectionResult:
    """Score of one dataset.

    Attributes:
        counts: sums over all images, with precision, recall and hmean.
        records: image name -> matches.
        detections: image name -> detections in image pixels; unreadable images are not in it.
        unreadable: "name: reason" of images that could not be read; their words count as missed.
        seconds: wall time of the whole evaluation.
    """

    counts: Counts
    records: dict[str, ImageRecord]
    detections: dict[str, Detections]
    unreadable: list[str]
    seconds: float


def evaluate_detector(
    model: nn.Module,
    reader: Reader,
    test: DetectionTest,
    preprocess: Preprocess,
    device: torch.device,
    amp: Amp,
    *,
    on_image: Callable[[ImageOutcome], None] | None = None,
    processes: Processes = ALONE,
) -> DetectionResult:
    """Find the words of every image of a dataset and score them by the test's protocol.

    Args:
        model: maps float [1, 3, H, W] to (scores [1, H/2, W/2, 2], features); put into eval mode during the evaluation.
        reader: the dataset.
        test: protocol, thresholds and sizes.
        preprocess: normalisation the model was trained with.
        device: where `model` is.
        amp: precision of the forward pass.
        on_image: called with each readable image when it is done, in the process that evaluated it.
        processes: the images are divided among them; each returns the score of all images.

    Raises:
        UserError: the dataset holds no image.
    """
    if not len(reader):
        raise UserError("the test data holds no image, check the `root` of its dataset")
    start = time.perf_counter()
    metric = metric_of(test)
    found: dict[str, Detections] = {}
    unreadable: list[str] = []

    def load(index: int) -> tuple[TextSample, FittedImage]:
        sample = reader[index]
        return sample, preprocess.fit(sample.image, test.canvas_size, test.mag_ratio)

    with eval_mode(model):
        share = processes.share(len(reader))
        items = progress_bar(
            read_ahead(load, share), len(share), "evaluating",
            shown=processes.is_main, logged=True,
        )  # fmt: skip
        for index, item in zip(share, items, strict=True):
            if isinstance(item, UnreadableSample):
                # The words are known and were not found: a broken image must not improve the score.
                words = reader.annotation(index)
                metric.update(item.sample_id, words.word_quads, words.ignore, [], texts=words.words, scores=[])
                unreadable.append(str(item))
                continue
            sample, fitted = item
            region, affinity = predict_maps(model, fitted, device, amp)
            detections = words_of_maps(region, affinity, fitted.matrix, test)
            record = metric.update(
                sample.sample_id, sample.word_quads, sample.ignore, detections.polygons,
                texts=sample.words, scores=detections.scores,
            )  # fmt: skip
            found[sample.sample_id] = detections
            if on_image is not None:
                on_image(ImageOutcome(sample, detections, record, region, affinity, fitted.matrix))
    join_metric(metric, processes)
    found = dict(processes.interleave(list(found.items())))
    unreadable = processes.interleave(unreadable)
    if unreadable:
        log.warning(
            "%d of %d images cannot be read and count as without detections (e.g. %s)",
            len(unreadable),
            len(reader),
            unreadable[0],
        )
    return DetectionResult(metric.compute(), metric.records, found, unreadable, time.perf_counter() - start)


def join_metric(metric: DetectionMetric | WordMetric, processes: Processes) -> None:
    """Extend a metric of this process's samples to all samples, in the order of the dataset.

    Raises:
        ValueError: two samples have the same name.
    """
    records = processes.interleave(list(metric.records.values()))
    metric.records = {record.sample_id: record for record in records}  # type: ignore[assignment]
    if len(metric.records) < len(records):
        raise ValueError("two samples of the test data have the same name")


@torch.no_grad()
def predict_maps(
    model: nn.Module, fitted: FittedImage, device: torch.device, amp: Amp
) -> tuple[np.ndarray, np.ndarray]:
    """Return the region and affinity maps of one image, float32 [H/2, W/2] each.

    Raises:
        UserError: the device has no room for it.
    """
    height, width = fitted.pixels.shape[1:]
    remedy = "lower canvas_size (predict.py: --canvas-size)"
    with memory_for(f"an image of {height} x {width} pixels", device, remedy):
        pixels = torch.from_numpy(fitted.pixels)[None].to(device)
        with autocast(device, amp):
            scores, _ = model(pixels)
        maps = scores[0].float().permute(2, 0, 1).contiguous().cpu().numpy()
    return maps[0], maps[1]


def words_of_maps(region: np.ndarray, affinity: np.ndarray, matrix: np.ndarray, test: DetectionTest) -> Detections:
    """Return the words of an image, in its pixels, from its score maps; for evaluation and prediction alike.

    Args:
        region, affinity: float32 [H/2, W/2], as `predict_maps` returns them.
        matrix: [3, 3], from image pixels to network-input pixels.
        test: the thresholds.
    """
    found = detect_words(
        region,
        affinity,
        text_threshold=test.text_threshold,
        low_text=test.low_text,
        link_threshold=test.link_threshold,
        poly=test.poly,
    )
    return map_to_image(found, matrix)


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[None]:
    """Put every module into eval mode inside the block, and restore the mode of each module afterwards."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
