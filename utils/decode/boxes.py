"""Word boxes from CRAFT's score maps.

The algorithm and its constants are those of Baek et al., "Character Region Awareness for Text Detection"
(CVPR 2019). Here each component is processed inside its bounding window, so the cost grows with the amount of text and
not with the number of components times the map size. `tests/utils/decode/test_boxes.py` has the plain full-map version
as a reference.
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
BLOCK = 8
"""Side in map pixels of the blocks of the coarse search; at most 16, see `_islands`."""


@dataclass(frozen=True)
class Detections:
    """Words found in one image.

    Attributes:
        boxes: float32 [N, 4, 2], clockwise from the corner with the smallest x + y.
        scores: float32 [N], the highest region score of each word: the detections at a higher text threshold t are
            exactly the words with a score of at least t.
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
        text_threshold: a component is text if its highest region score reaches this.
        low_text: pixels with a region score above this are text.
        link_threshold: pixels with an affinity score above this join characters.
        poly: also trace polygons along curved words.

    Returns:
        Detections in map pixels, ordered by their component's first pixel in reading order of the map.

    Raises:
        ValueError: the maps are not two-dimensional or differ in size.
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
    """Transform detections from score-map pixels to image pixels.

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
    """Yield the dilated pixels of each connected component that counts as text, by its first pixel in reading order."""
    text = cv2.compare(region, low_text, cv2.CMP_GT)
    link = cv2.compare(affinity, link_threshold, cv2.CMP_GT)
    found = [
        component
        for left, top, pixels in _islands(cv2.bitwise_or(text, link))
        for component in _components_of_island(pixels, left, top, region, text, link, text_threshold)
    ]
    yield from (component for _, component in sorted(found, key=lambda pair: pair[0]))


def _islands(pixels: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Split a mostly empty map into windows, so that no component is cut.

    Connected pixels lie in touching blocks. So groups of touching blocks with pixels are searched for first, and then
    components inside each group, instead of in the whole map.

    Args:
        pixels: uint8 [H, W], 0 or 255.

    Yields:
        Left and top edge of a window and its pixels, uint8 [h, w]; those of other groups are 0.
    """
    height, width = pixels.shape
    padded = cv2.copyMakeBorder(pixels, 0, -height % BLOCK, 0, -width % BLOCK, cv2.BORDER_CONSTANT, value=0)
    # The mean of a block with one pixel of 255 is still rounded to 1.
    blocks = cv2.resize(padded, None, fx=1 / BLOCK, fy=1 / BLOCK, interpolation=cv2.INTER_AREA)
    count, groups, stats, _ = cv2.connectedComponentsWithStats((blocks > 0).astype(np.uint8), connectivity=8)
    for group in range(1, count):
        x, y, w, h = (int(value) for value in stats[group, :4])
        left, top = x * BLOCK, y * BLOCK
        window = pixels[top : top + h * BLOCK, left : left + w * BLOCK]
        foreign = groups[y : y + h, x : x + w] != group
        if (foreign & (blocks[y : y + h, x : x + w] > 0)).any():
            foreign = foreign.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)[: window.shape[0], : window.shape[1]]
            window = np.where(foreign, np.uint8(0), window)
        yield left, top, window


def _components_of_island(
    pixels: np.ndarray,
    left: int,
    top: int,
    region: np.ndarray,
    text: np.ndarray,
    link: np.ndarray,
    text_threshold: float,
) -> Iterator[tuple[tuple[int, int], _Component]]:
    """Yield each component in a window that counts as text, after the row and column of its first pixel in the map."""
    height, width = region.shape
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pixels, connectivity=4)
    for label in range(1, count):
        x, y, w, h, size = (int(value) for value in stats[label])
        if size < MIN_COMPONENT_PX:
            continue
        mine = labels[y : y + h, x : x + w] == label
        window = np.s_[top + y : top + y + h, left + x : left + x + w]
        score = region[window][mine].max()
        if not score >= np.float32(text_threshold):  # In the precision of the maps; NaN is below any threshold.
            continue
        mask = mine & ((text[window] > 0) | (link[window] == 0))
        if not mask.any():  # Possible only if text_threshold <= low_text: all pixels are link pixels.
            continue
        reach = int(math.sqrt(size * min(w, h) / (w * h)) * 2)
        before_x, before_y = min(reach, left + x), min(reach, top + y)
        after_x, after_y = min(reach + 1, width - left - x - w), min(reach + 1, height - top - y - h)
        room = cv2.copyMakeBorder(
            mask.view(np.uint8), before_y, after_y, before_x, after_x, cv2.BORDER_CONSTANT, value=0
        )  # fmt: skip
        kernel = np.ones((1 + reach, 1 + reach), np.uint8)
        component = _Component(cv2.dilate(room, kernel), left + x - before_x, top + y - before_y, float(score))
        yield (top + y, left + x + int(mine[0].argmax())), component


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
    first_side, second_side = box[1] - box[0], box[2] - box[1]
    # OpenCV does not promise a direction; y points down, so the cross product of clockwise sides is positive.
    if first_side[0] * second_side[1] - first_side[1] * second_side[0] < 0:
        box = box[::-1]
    return np.roll(box, -int(box.sum(axis=1).argmin()), axis=0).astype(np.float32)
