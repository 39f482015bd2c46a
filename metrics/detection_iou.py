"""Precision, recall and hmean of text detection, as the script of the ICDAR 2015 competition computes them.

The protocol (Karatzas et al., "ICDAR 2015 Competition on Robust Reading", task 4.1):

1. A detection of which more than half the area lies in a single "don't care" region is not counted.
2. Words and counted detections are matched one to one, words in their order and detections in theirs: the first
   free pair whose intersection over union exceeds 0.5 is a match.
3. Counts are summed over the images; precision = matched / detections, recall = matched / words.

Polygons that cross themselves are replaced by the area they enclose under the even-odd rule; corners may run
clockwise or counter-clockwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

PROTOCOL = "icdar2015_iou"

Polygons = Sequence[np.ndarray] | np.ndarray
"""N arrays [P, 2] with P >= 3, or one array [N, P, 2]."""


@dataclass(frozen=True)
class Counts:
    """Sums over images; adding two of them joins two parts of a dataset.

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
        return Counts(
            self.images + other.images,
            self.gt_care + other.gt_care,
            self.det_care + other.det_care,
            self.matched + other.matched,
        )

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
class ImageRecord:
    """What the metric found in one image.

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


class DetectionIoU:
    """Collects images one by one. Parts of a dataset may be collected apart and merged.

    Args:
        iou: a match needs a greater intersection over union.
        ignored_share: a detection is not counted when a greater share of its area is "don't care".
    """

    def __init__(self, iou: float = 0.5, ignored_share: float = 0.5) -> None:
        self.iou = iou
        self.ignored_share = ignored_share
        self.records: dict[str, ImageRecord] = {}

    def update(self, sample_id: str, gt: Polygons, ignore: Sequence[bool] | np.ndarray, det: Polygons) -> ImageRecord:
        """Add an image.

        Args:
            sample_id: its name; each may be added once.
            gt: polygons of the words.
            ignore: bool [number of words], True for "don't care".
            det: polygons of the detections.

        Raises:
            ValueError: a name comes twice, or a polygon has fewer than three points or a coordinate that is no number.
        """
        if sample_id in self.records:
            raise ValueError(f"image {sample_id!r} was added twice")
        care = ~np.asarray(ignore, bool)
        if len(care) != len(gt):
            raise ValueError(f"image {sample_id!r} has {len(gt)} words but {len(care)} ignore flags")
        gt_shapes, det_shapes = _shapes(gt), _shapes(det)
        det_areas = shapely.area(det_shapes)
        rows, columns, intersections = _overlaps(gt_shapes, det_shapes)

        in_ignored = ~care[rows] & (intersections / np.maximum(det_areas[columns], 1e-300) > self.ignored_share)
        ignored = np.zeros(len(det_shapes), bool)
        ignored[columns[in_ignored]] = True

        unions = shapely.area(gt_shapes)[rows] + det_areas[columns] - intersections
        candidate = care[rows] & ~ignored[columns] & (intersections / np.maximum(unions, 1e-300) > self.iou)
        pairs = _match(rows[candidate].tolist(), columns[candidate].tolist())

        counts = Counts(1, int(care.sum()), int((~ignored).sum()), len(pairs))
        record = ImageRecord(sample_id, counts, tuple(pairs), tuple(np.flatnonzero(ignored).tolist()))
        self.records[sample_id] = record
        return record

    def merge(self, other: DetectionIoU) -> None:
        """Take over another collection's images. An image that both hold, as padded samplers produce, counts once."""
        for sample_id, record in other.records.items():
            self.records.setdefault(sample_id, record)

    def compute(self) -> Counts:
        """Return the sums over all images."""
        return sum((record.counts for record in self.records.values()), Counts())


def _match(rows: list[int], columns: list[int]) -> list[tuple[int, int]]:
    """Match greedily, in the order of the words and then of the detections, as the competition does."""
    taken_rows: set[int] = set()
    taken_columns: set[int] = set()
    pairs = []
    for row, column in zip(rows, columns, strict=True):
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            pairs.append((row, column))
    return pairs


def _shapes(polygons: Polygons) -> np.ndarray:
    """Return valid shapely geometries, object [N]."""
    arrays = [np.asarray(polygon, np.float64) for polygon in polygons]
    if not arrays:
        return np.empty(0, object)
    for array in arrays:
        if array.ndim != 2 or array.shape[1] != 2 or len(array) < 3 or not np.isfinite(array).all():
            raise ValueError(f"a polygon is three or more points of finite x and y, not {array.tolist()}")
    owners = np.repeat(np.arange(len(arrays)), [len(array) for array in arrays])
    shapes = shapely.polygons(shapely.linearrings(np.concatenate(arrays), indices=owners))
    invalid = ~shapely.is_valid(shapes)
    if invalid.any():
        # make_valid may leave lines and points behind; a buffer of 0 keeps the areas alone.
        shapes[invalid] = shapely.buffer(shapely.make_valid(shapes[invalid]), 0)
    return shapes


def _overlaps(gt: np.ndarray, det: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Intersect all pairs whose bounding boxes meet.

    Returns:
        int [K], int [K], float [K]: word, detection and area of intersection of each such pair, ordered by word
        and then by detection.
    """
    gt_boxes, det_boxes = shapely.bounds(gt).reshape(-1, 1, 4), shapely.bounds(det).reshape(1, -1, 4)
    low = np.maximum(gt_boxes[..., :2], det_boxes[..., :2])
    high = np.minimum(gt_boxes[..., 2:], det_boxes[..., 2:])
    rows, columns = np.nonzero((low < high).all(axis=-1))  # empty geometries have NaN bounds and never meet
    return rows, columns, shapely.area(shapely.intersection(gt[rows], det[columns]))
