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

import numpy as np
import shapely

from config.schema.base import UnitFloat
from metrics.detection import (
    DEFAULT_IOU,
    DETECTION_PROTOCOLS,
    Counts,
    DetectionMetric,
    ImageRecord,
    ImageWords,
    Polygons,
)

_ROUNDING = 1e-9
"""Bound on relative rounding errors of areas and coordinates, with a large margin."""


@DETECTION_PROTOCOLS.register("icdar_iou")
class DetectionIoU(DetectionMetric):
    """The metric of the competition.

    Args:
        iou: threshold; the intersection over union of a match is greater.
        ignored_share: threshold; a detection is not counted if a greater share of its area is "don't care".
    """

    name = "icdar2015_iou"

    def __init__(self, iou: float = DEFAULT_IOU, *, ignored_share: UnitFloat = 0.5) -> None:
        super().__init__()
        self.iou = iou
        self.ignored_share = ignored_share

    @property
    def thresholds(self) -> dict[str, float]:
        return {"iou": self.iou}

    def score(self, image: ImageWords) -> ImageRecord:
        care = ~image.ignore
        gt_shapes, det_shapes = _shapes(image.gt), _shapes(image.det)
        gt_areas, det_areas = shapely.area(gt_shapes), shapely.area(det_shapes)
        rows, columns, most = _meetings(gt_shapes, det_shapes)
        # A pair with a smaller intersection has no effect; for most pairs the bounding boxes are enough to see that.
        needed = np.where(
            care[rows],
            (gt_areas[rows] + det_areas[columns]) * (self.iou / (1 + self.iou)),
            det_areas[columns] * self.ignored_share,
        )
        kept = most > needed * (1 - _ROUNDING)
        rows, columns = rows[kept], columns[kept]
        intersections = shapely.area(shapely.intersection(gt_shapes[rows], det_shapes[columns]))

        in_ignored = ~care[rows] & (intersections / np.maximum(det_areas[columns], 1e-300) > self.ignored_share)
        ignored = np.zeros(len(det_shapes), bool)
        ignored[columns[in_ignored]] = True

        unions = gt_areas[rows] + det_areas[columns] - intersections
        candidate = care[rows] & ~ignored[columns] & (intersections / np.maximum(unions, 1e-300) > self.iou)
        pairs = _match(rows[candidate].tolist(), columns[candidate].tolist())

        counts = Counts(1, int(care.sum()), int((~ignored).sum()), len(pairs))
        return ImageRecord(image.sample_id, counts, tuple(pairs), tuple(np.flatnonzero(ignored).tolist()))


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
        # make_valid may also return lines and points; a buffer of 0 keeps only areas.
        shapes[invalid] = shapely.buffer(shapely.make_valid(shapes[invalid]), 0)
    return shapes


def _meetings(gt: np.ndarray, det: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all pairs whose bounding boxes meet.

    Returns:
        int [K], int [K], float [K]: word, detection and the most that the area of their intersection can be, ordered
        by word and then by detection.
    """
    gt_boxes, det_boxes = shapely.bounds(gt).reshape(-1, 4), shapely.bounds(det).reshape(-1, 4)
    meet = (gt_boxes[:, None, 0] < det_boxes[:, 2]) & (det_boxes[:, 0] < gt_boxes[:, None, 2])
    meet &= (gt_boxes[:, None, 1] < det_boxes[:, 3]) & (det_boxes[:, 1] < gt_boxes[:, None, 3])
    rows, columns = np.nonzero(meet)  # empty geometries have NaN bounds and never meet
    first, second = gt_boxes[rows], det_boxes[columns]
    low, high = np.maximum(first[:, :2], second[:, :2]), np.minimum(first[:, 2:], second[:, 2:])
    # The rounding errors of the corners of an intersection are less than this.
    slack = _ROUNDING * np.maximum(np.abs(first), np.abs(second)).max(axis=1)
    return rows, columns, (high - low + slack[:, None]).prod(axis=1)
