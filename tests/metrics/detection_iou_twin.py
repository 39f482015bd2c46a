"""The IoU protocol without short cuts: a word is intersected with every detection whose bounding box meets its own."""

from __future__ import annotations

import numpy as np
import shapely

from metrics.detection import Counts, ImageRecord, ImageWords


def plain_record(image: ImageWords, iou: float = 0.5, ignored_share: float = 0.5) -> ImageRecord:
    """Return what `DetectionIoU.score` returns, for polygons that do not cross themselves."""
    care = ~image.ignore
    gt = np.array([shapely.Polygon(polygon) for polygon in image.gt], object)
    det = np.array([shapely.Polygon(polygon) for polygon in image.det], object)
    gt_boxes, det_boxes = shapely.bounds(gt).reshape(-1, 1, 4), shapely.bounds(det).reshape(1, -1, 4)
    low = np.maximum(gt_boxes[..., :2], det_boxes[..., :2])
    high = np.minimum(gt_boxes[..., 2:], det_boxes[..., 2:])
    rows, columns = np.nonzero((low < high).all(axis=-1))
    overlaps = shapely.area(shapely.intersection(gt[rows], det[columns]))
    gt_areas, det_areas = shapely.area(gt), shapely.area(det)
    ignored: set[int] = set()
    for row, column, overlap in zip(rows.tolist(), columns.tolist(), overlaps.tolist(), strict=True):
        if not care[row] and det_areas[column] > 0 and overlap / det_areas[column] > ignored_share:
            ignored.add(column)
    pairs: list[tuple[int, int]] = []
    for row, column, overlap in zip(rows.tolist(), columns.tolist(), overlaps.tolist(), strict=True):
        free = all(row != word and column != detection for word, detection in pairs)
        if free and care[row] and column not in ignored:
            union = gt_areas[row] + det_areas[column] - overlap
            if union > 0 and overlap / union > iou:
                pairs.append((row, column))
    counts = Counts(1, int(care.sum()), len(image.det) - len(ignored), len(pairs))
    return ImageRecord(image.sample_id, counts, tuple(pairs), tuple(sorted(ignored)))
