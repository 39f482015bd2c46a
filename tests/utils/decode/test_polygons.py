from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely

from utils.decode import detect_words
from utils.decode.boxes import order_box
from utils.decode.polygons import NUM_CONTROL_POINTS, trace_polygon

CENTRE, INNER, OUTER = 200.0, 110.0, 140.0


def arc_band(start: float, end: float, inner: float = INNER, outer: float = OUTER) -> np.ndarray:
    """The outline of a ring's sector, degrees clockwise from the right."""
    angle = np.radians(np.linspace(start, end, 90))
    direction = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.concatenate([CENTRE + outer * direction, CENTRE + inner * direction[::-1]])


def draw(outline: np.ndarray, size: int = 400) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
    return mask


def smallest_box(mask: np.ndarray) -> np.ndarray:
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    return order_box(cv2.boxPoints(cv2.minAreaRect(points)).reshape(-1, 2), points)


def iou(one: np.ndarray, two: np.ndarray) -> float:
    a, b = shapely.Polygon(one), shapely.Polygon(two)
    return a.intersection(b).area / a.union(b).area


@pytest.mark.parametrize(
    ("start", "end"),
    [(-150, -30), (-130, -50), (-165, -15), (30, 150), (-60, 60), (120, 240), (-100, 40)],
    ids=["arch", "short arch", "wide arch", "smile", "downwards", "upwards", "slanted"],
)
def test_polygon_follows_an_arc(start: float, end: float) -> None:
    truth = arc_band(start, end)
    mask = draw(truth)
    box = smallest_box(mask)
    polygon = trace_polygon(mask, box)
    assert polygon is not None
    assert polygon.shape == (2 * NUM_CONTROL_POINTS, 2)
    assert polygon.dtype == np.float32
    assert iou(polygon, truth) > 0.85
    assert iou(polygon, truth) > iou(box, truth) + 0.3


def test_polygon_follows_characters_on_an_arc() -> None:
    """Gaussians on a circle, as the network answers: the whole way from maps to polygon."""
    radius, sigma, count = 125.0, 7.0, 8
    yy, xx = np.mgrid[:400, :400].astype(np.float32)
    angle = np.radians(np.linspace(-140, -40, 2 * count - 1))
    planes = [
        np.exp(-((xx - CENTRE - radius * np.cos(a)) ** 2 + (yy - CENTRE - radius * np.sin(a)) ** 2) / (2 * sigma**2))
        for a in angle
    ]
    region, affinity = np.maximum.reduce(planes[::2]), np.maximum.reduce(planes[1::2])
    settings = {"text_threshold": 0.7, "low_text": 0.4, "link_threshold": 0.4}
    found = detect_words(region, affinity, **settings, poly=True)
    assert len(found) == 1
    half_step = 50 / (count - 1)
    truth = arc_band(-140 - half_step, -40 + half_step, radius - 1.9 * sigma, radius + 1.9 * sigma)
    assert iou(found.boxes[0], truth) < 0.5 < 0.8 < iou(found.polygons[0], truth)
    without = detect_words(region, affinity, **settings)
    np.testing.assert_array_equal(without.polygons[0], without.boxes[0])


@pytest.mark.parametrize("angle", [0, 17, 90, -45])
def test_straight_word_keeps_its_box(angle: float) -> None:
    mask = draw(cv2.boxPoints(((200, 200), (150, 30), angle)).reshape(-1, 2))
    assert trace_polygon(mask, smallest_box(mask)) is None


@pytest.mark.parametrize(
    "mask",
    [
        draw(arc_band(-200, 20)),  # more than a half circle is no function of the reading axis
        draw(np.array([[100, 100], [130, 100], [130, 130], [100, 130]])),  # square: no reading axis
        draw(np.array([[100, 100], [112, 100], [112, 103], [100, 103]])),  # too few columns for a curve
    ],
    ids=["ring", "square", "speck"],
)
def test_what_cannot_be_traced_keeps_its_box(mask: np.ndarray) -> None:
    assert trace_polygon(mask, smallest_box(mask)) is None


def test_gaps_between_characters_are_bridged() -> None:
    truth = arc_band(-150, -30)
    mask = draw(truth)
    for middle in (-115, -90, -62):
        mask[draw(arc_band(middle - 2, middle + 2)) > 0] = 0
    polygon = trace_polygon(mask, smallest_box(mask))
    assert polygon is not None
    assert iou(polygon, truth) > 0.8
