"""Protocols of text detection: they compare the detections of an image with its words, and sum over images.

A protocol is a subclass of `DetectionMetric` in a file of this folder, registered under the name that
`test.NAME.protocol` and `eval.py --protocol` give:

    @DETECTION_PROTOCOLS.register("mine")
    class MyMetric(DetectionMetric):
        name = "mine"

        def score(self, image: ImageWords) -> ImageRecord: ...
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from config.errors import UserError
from config.registry import Registry
from config.schema.detection import DetectionTest

DEFAULT_PROTOCOL: str = DetectionTest.model_fields["protocol"].default
DEFAULT_IOU: float = DetectionTest.model_fields["iou"].default

Polygons = Sequence[np.ndarray] | np.ndarray
"""N arrays [P, 2] with P >= 3, or one array [N, P, 2]; pixels of the image."""


@dataclass(frozen=True)
class Counts:
    """Sums over images; adding two of them joins two parts of a dataset.

    A protocol with other sums adds fields in a subclass and defines precision and recall there.

    Attributes:
        images: number of images.
        gt_care: words to be found.
        det_care: detections that count.
        matched: pairs of the two.
    """

    images: int = 0
    gt_care: int = 0
    det_care: int = 0
    matched: int = 0

    def __add__(self, other: Counts) -> Counts:
        return type(self)(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def precision(self) -> float:
        """matched / det_care, 0 without detections."""
        return self.matched / self.det_care if self.det_care else 0.0

    @property
    def recall(self) -> float:
        """matched / gt_care, 0 without words."""
        return self.matched / self.gt_care if self.gt_care else 0.0

    @property
    def hmean(self) -> float:
        """Harmonic mean of the two, 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class ImageWords:
    """The input of a protocol for one image.

    Attributes:
        sample_id: name of the image.
        gt: W polygons of the words, quadrilaterals or with more points.
        ignore: bool [len(gt)], True for "don't care".
        det: D polygons of the detections.
        texts: transcription of each word in `gt`; None where it is not known.
        scores: float [D] in 0..1, score of each detection, higher is surer; None where there is none.
    """

    sample_id: str
    gt: Polygons
    ignore: np.ndarray
    det: Polygons
    texts: Sequence[str] | None = None
    scores: Sequence[float] | np.ndarray | None = None


@dataclass(frozen=True)
class ImageRecord:
    """The result of a protocol for one image.

    Attributes:
        sample_id: name of the image.
        counts: its counts, with `images` = 1.
        pairs: (index of the word, index of the detection) of each match.
        ignored: indices of the detections that are not counted.
    """

    sample_id: str
    counts: Counts
    pairs: tuple[tuple[int, int], ...]
    ignored: tuple[int, ...]


class DetectionMetric(ABC):
    """Collects images one by one.

    Its only positional argument is `test.NAME.iou`; its keyword-only arguments are the options that
    `test.NAME.protocol_options` may set.

    Attributes:
        name: name of the protocol in `results.json`.
        zero: the counts of no image.
        records: image name -> its result, in the order in which images were added.
    """

    name: ClassVar[str]
    zero: ClassVar[Counts] = Counts()

    def __init__(self) -> None:
        self.records: dict[str, ImageRecord] = {}

    @property
    @abstractmethod
    def thresholds(self) -> dict[str, float]:
        """The thresholds of a match for `results.json`; `iou` is one of them if the protocol uses `test.NAME.iou`."""

    @abstractmethod
    def score(self, image: ImageWords) -> ImageRecord:
        """Compare the words and the detections of one image.

        Raises:
            ValueError: a polygon has fewer than three points or a coordinate that is not finite.
        """

    def update(
        self,
        sample_id: str,
        gt: Polygons,
        ignore: Sequence[bool] | np.ndarray,
        det: Polygons,
        *,
        texts: Sequence[str] | None = None,
        scores: Sequence[float] | np.ndarray | None = None,
    ) -> ImageRecord:
        """Add an image, at most once.

        Args:
            sample_id: name of the image.
            gt: W polygons of the words, see `Polygons`.
            ignore: bool [W], True for "don't care".
            det: D polygons of the detections.
            texts: transcription of each word; None where it is not known.
            scores: float [D] in 0..1, higher is surer; None where there is none.

        Raises:
            ValueError: a name was added before, the flags and the words differ in number, or as in `score`.
        """
        if sample_id in self.records:
            raise ValueError(f"image {sample_id!r} was added twice")
        if len(ignore) != len(gt):
            raise ValueError(f"image {sample_id!r} has {len(gt)} words but {len(ignore)} ignore flags")
        record = self.score(ImageWords(sample_id, gt, np.asarray(ignore, bool), det, texts, scores))
        self.records[sample_id] = record
        return record

    def compute(self) -> Counts:
        """Return the sums over all images."""
        return sum((record.counts for record in self.records.values()), self.zero)


DETECTION_PROTOCOLS: Registry[type[DetectionMetric]] = Registry(
    "detection protocol", "test.NAME.protocol", package="metrics"
)


def metric_of(test: DetectionTest, name: str = "NAME") -> DetectionMetric:
    """Return the metric of the entry `name` under `test`; see `detection_metric`."""
    return detection_metric(test.protocol, test.iou, test.protocol_options, f"test.{name}.protocol")


def detection_metric(protocol: str, iou: float, options: Mapping[str, Any], at: str) -> DetectionMetric:
    """Return the metric of a protocol, without images.

    Args:
        protocol: its registered name.
        iou: intersection over union that a match needs to exceed.
        options: keyword-only arguments of the protocol.
        at: the setting that names the protocol.

    Raises:
        UserError: there is no such protocol, an option is wrong, or `iou` is not the default although the protocol does
            not use it.
    """
    metric = DETECTION_PROTOCOLS.create(protocol, options, iou, at=at)
    if iou != DEFAULT_IOU and metric.thresholds.get("iou") != iou:
        raise UserError(f"{at}: the protocol '{protocol}' does not use the setting iou, which is {iou:g}; leave it out")
    return metric
