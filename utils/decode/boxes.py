"""Word boxes from CRAFT's score maps.

The algorithm and its constants are those of Baek et al., "Character Region Awareness for Text Detection"
(CVPR 2019). Here each component is worked on inside its own window, so the cost grows with the text and not with
components times map size. `tests/utils/decode/test_boxes.py` holds the plain full-map version it must agree with.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from data.heatmap.grid import MAP_TO_INPUT
from data.sample import transform_points
from utils.decode.polygons import trace_polygon

MIN_COMPONENT_PX = 10
SQUARE_TOLERANCE = 0.1


@dataclass(frozen=True)
class Detections:
    """Words found in one image.

    Attributes:
        boxes: float32 [N, 4, 2], clockwise from the corner with the smallest x + y.
        scores: float32 [N], the highest region score of each word: the detections at a higher text threshold t
            are exactly those with a score of at least t.
        polygons: N arrays float32 [P, 2]; the boxes themselves unless polygons were asked for and the word is curved.
    """

    boxes: np.ndarray
    scores: np.ndarray
    polygons: list[np.ndarray]

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class _Component:
    """A word's pixels after dilation, in the window whose top-left map pixel is (left, top)."""

    mask: np.ndarray  # uint8 [h, w], 0 or 1
    left: int
    top: int
    score: float


def detect_words(
    region: np.ndarray,
    affinity: np.ndarray,
    *,
    text_threshold: float,
    low_text: float,
    link_threshold: float,
    poly: bool = False,
) -> Detections:
    """Find words in a pair of score maps.

    Args:
        region: float32 [H, W], probability that a pixel is the centre of a character.
        affinity: float32 [H, W], probability that it is the centre of the space between two characters of a word.
        text_threshold: a component is text where its highest region score reaches this.
        low_text: pixels with a region score above this are text.
        link_threshold: pixels with an affinity score above this join characters.
        poly: also trace polygons along curved words.

    Returns:
        Detections in map pixels, ordered by their component's first pixel in reading order of the map.

    Raises:
        ValueError: the maps are not two equally large planes.
    """
    if region.ndim != 2 or region.shape != affinity.shape:
        raise ValueError(f"expected two [H, W] maps, not {list(region.shape)} and {list(affinity.shape)}")
    boxes: list[np.ndarray] = []
    scores: list[float] = []
    polygons: list[np.ndarray] = []
    for component in _components(region, affinity, text_threshold, low_text, link_threshold):
        box = _box(component)
        boxes.append(box)
        scores.append(component.score)
        polygon = trace_polygon(component.mask, box - (component.left, component.top)) if poly else None
        polygons.append(box if polygon is None else polygon + np.float32((component.left, component.top)))
    return Detections(np.array(boxes, np.float32).reshape(-1, 4, 2), np.array(scores, np.float32), polygons)


def map_to_image(detections: Detections, matrix: np.ndarray) -> Detections:
    """Carry detections from score-map pixels to image pixels.

    Args:
        detections: in map pixels.
        matrix: float [3, 3], from image pixels to network-input pixels (`FittedImage.matrix`).
    """
    back = np.linalg.inv(matrix) @ MAP_TO_INPUT
    return Detections(
        transform_points(detections.boxes, back),
        detections.scores,
        [transform_points(polygon, back) for polygon in detections.polygons],
    )


def _components(
    region: np.ndarray, affinity: np.ndarray, text_threshold: float, low_text: float, link_threshold: float
) -> Iterator[_Component]:
    """Yield the dilated pixels of each connected component that counts as text."""
    text = region > low_text
    link = affinity > link_threshold
    count, labels, stats, _ = cv2.connectedComponentsWithStats((text | link).astype(np.uint8), connectivity=4)
    # One pass over the map finds which components reach the threshold, instead of a maximum for each.
    reaches = np.zeros(count, bool)
    reaches[labels[region >= text_threshold]] = True
    reaches[0] = False
    height, width = region.shape
    for label in np.flatnonzero(reaches & (stats[:, cv2.CC_STAT_AREA] >= MIN_COMPONENT_PX)):
        x, y, w, h, size = (int(value) for value in stats[label])
        reach = int(math.sqrt(size * min(w, h) / (w * h)) * 2)
        left, top = max(0, x - reach), max(0, y - reach)
        right, bottom = min(width, x + w + reach + 1), min(height, y + h + reach + 1)
        window = np.s_[top:bottom, left:right]
        mine = labels[window] == label
        mask = mine & (text[window] | ~link[window])
        if not mask.any():  # only where text_threshold <= low_text: the component is all link
            continue
        kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (1 + reach, 1 + reach))
        yield _Component(cv2.dilate(mask.astype(np.uint8), kernel), left, top, float(region[window][mine].max()))


def _box(component: _Component) -> np.ndarray:
    """Return the smallest rectangle around a component, float32 [4, 2], in map pixels."""
    mask = component.mask
    # The outermost pixels of each row have the same convex hull as all pixels, and are far fewer.
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1)
    last = mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1)
    x, y = np.concatenate([first, last]) + component.left, np.concatenate([rows, rows]) + component.top
    points = np.stack([x, y], axis=1).astype(np.int32)
    return order_box(cv2.boxPoints(cv2.minAreaRect(points)).reshape(-1, 2), points)


def order_box(box: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Make a nearly square rectangle upright, and order its corners clockwise from the smallest x + y.

    A minimum-area rectangle around a nearly square shape has no meaningful angle, hence the upright box of the points.

    Args:
        box: float32 [4, 2], corners of a rectangle, in order around it.
        points: int [P, 2], the pixels it encloses.
    """
    sides = np.linalg.norm(box[:2] - box[1:3], axis=1)
    if abs(1 - max(sides) / (min(sides) + 1e-5)) <= SQUARE_TOLERANCE:
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        box = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    one, two = box[1] - box[0], box[2] - box[1]
    if one[0] * two[1] - one[1] * two[0] < 0:  # OpenCV does not promise a direction; y points down, so cw is > 0
        box = box[::-1]
    return np.roll(box, -int(box.sum(axis=1).argmin()), axis=0).astype(np.float32)
