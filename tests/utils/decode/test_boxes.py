from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postprocess_twin import plain_boxes

from data.heatmap.grid import INPUT_TO_MAP
from data.preprocess import Preprocess
from data.sample import transform_points
from utils.decode import Detections, detect_words, map_to_image
from utils.decode.boxes import order_box

THRESHOLDS = {"text_threshold": 0.7, "low_text": 0.4, "link_threshold": 0.4}


def blobs(seed: int, height: int, width: int, sigma: float) -> np.ndarray:
    """Smooth noise stretched over 0..1: components of every shape, many of them cut by the border."""
    noise = np.random.default_rng(seed).random((height, width), np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise
    low, high = noise.min(), noise.max()
    return (noise - low) / max(high - low, np.float32(1e-6))


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(2, 70),
    width=st.integers(2, 90),
    sigma=st.sampled_from([0.0, 0.8, 1.5, 3.0, 6.0]),
    link_sigma=st.sampled_from([0.0, 1.5, 3.0]),
    text_threshold=st.floats(0.0, 1.0),
    low_text=st.floats(0.1, 0.9),
    link_threshold=st.floats(0.1, 1.0),
)
def test_agrees_exactly_with_the_plain_version(
    seed: int,
    height: int,
    width: int,
    sigma: float,
    link_sigma: float,
    text_threshold: float,
    low_text: float,
    link_threshold: float,
) -> None:
    region, affinity = blobs(seed, height, width, sigma), blobs(seed + 1, height, width, link_sigma)
    found = detect_words(
        region, affinity, text_threshold=text_threshold, low_text=low_text, link_threshold=link_threshold
    )
    boxes, scores = plain_boxes(region, affinity, text_threshold, low_text, link_threshold)
    np.testing.assert_array_equal(found.boxes, boxes)
    np.testing.assert_array_equal(found.scores, scores)


@pytest.mark.parametrize("seed", range(12))
def test_words_scattered_over_an_empty_map_agree_with_the_plain_version(seed: int) -> None:
    # Strokes of every direction: windows around them overlap although the strokes do not touch.
    rng = np.random.default_rng(seed)
    region, affinity = np.zeros((2, 203, 301), np.float32)
    for plane in (region, affinity):
        for _ in range(rng.integers(0, 25)):
            start, end = rng.integers(0, (301, 203), (2, 2))
            end = start + (end - start) // rng.integers(1, 6)
            value, width = float(rng.uniform(0.3, 1)), int(rng.integers(1, 6))
            cv2.line(plane, start.tolist(), end.tolist(), value, width)
    found = detect_words(region, affinity, **THRESHOLDS)
    boxes, scores = plain_boxes(region, affinity, *THRESHOLDS.values())
    np.testing.assert_array_equal(found.boxes, boxes)
    np.testing.assert_array_equal(found.scores, scores)


def rectangle(height: int, width: int, rows: slice, columns: slice, value: float = 0.9) -> np.ndarray:
    plane = np.zeros((height, width), np.float32)
    plane[rows, columns] = value
    return plane


def test_box_of_a_rectangle_is_its_dilated_outline() -> None:
    # 20 x 4 pixels: reach = int(sqrt(80 * 4 / 80) * 2) = 4, so a 5 x 5 kernel adds 2 pixels on every side.
    region = rectangle(40, 60, slice(10, 14), slice(20, 40))
    found = detect_words(region, np.zeros_like(region), **THRESHOLDS)
    np.testing.assert_allclose(found.boxes, [[[18, 8], [41, 8], [41, 15], [18, 15]]], atol=1e-4)
    np.testing.assert_array_equal(found.scores, np.float32([0.9]))


def test_affinity_joins_characters_and_is_then_removed() -> None:
    region = rectangle(40, 90, slice(10, 20), slice(10, 22)) + rectangle(40, 90, slice(10, 20), slice(30, 42))
    link = rectangle(40, 90, slice(2, 18), slice(20, 32))
    assert len(detect_words(region, np.zeros_like(region), **THRESHOLDS)) == 2
    joined = detect_words(region, link, **THRESHOLDS)
    assert len(joined) == 1
    # The link reaches up to row 2, but only text pixels (from row 10) are dilated, by half of the reach at most.
    assert joined.boxes[0, :, 1].min() > 2


@pytest.mark.parametrize(
    ("region", "number"),
    [
        (rectangle(20, 20, slice(5, 8), slice(5, 8)), 0),  # 9 pixels: too few
        (rectangle(20, 20, slice(5, 7), slice(5, 10)), 1),  # 10 pixels: enough
        (rectangle(20, 20, slice(5, 9), slice(5, 10), 0.69), 0),  # text, but never sure
        (rectangle(20, 20, slice(5, 9), slice(5, 10), 0.7), 1),  # the threshold itself is reached
        (rectangle(20, 20, slice(5, 9), slice(5, 10), np.nan), 0),  # a diverged network finds nothing
        (np.zeros((20, 20), np.float32), 0),
    ],
)
def test_which_components_count(region: np.ndarray, number: int) -> None:
    assert (
        len(detect_words(region, np.zeros_like(region), **{**THRESHOLDS, "text_threshold": np.float32(0.7)})) == number
    )


def test_score_allows_raising_the_threshold_afterwards() -> None:
    region, affinity = blobs(3, 120, 160, 3.0), np.zeros((120, 160), np.float32)
    found = detect_words(region, affinity, **THRESHOLDS)
    strict = detect_words(region, affinity, **{**THRESHOLDS, "text_threshold": 0.85})
    assert 0 < len(strict) < len(found)
    np.testing.assert_array_equal(found.boxes[found.scores >= 0.85], strict.boxes)


def test_corners_run_clockwise_from_the_top_left() -> None:
    rotated = cv2.boxPoints(((50, 50), (60, 20), 30)).reshape(-1, 2)
    region = np.zeros((100, 100), np.float32)
    cv2.fillPoly(region, [np.rint(rotated).astype(np.int32)], 0.9)
    box = detect_words(region, np.zeros_like(region), **THRESHOLDS).boxes[0]
    assert box.sum(axis=1).argmin() == 0
    edges = np.roll(box, -1, axis=0) - box
    following = np.roll(edges, -1, axis=0)
    assert (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > 0).all()
    assert edges[0, 0] > abs(edges[0, 1])  # the first edge is the upper one, from left to right


def test_nearly_square_box_becomes_upright() -> None:
    diamond = np.float32([[10, 0], [20, 10], [10, 20], [0, 10]])
    points = np.array([[10, 1], [19, 10], [10, 18], [2, 10]])
    np.testing.assert_array_equal(order_box(diamond, points), [[2, 1], [19, 1], [19, 18], [2, 18]])


def test_counter_clockwise_rectangles_are_turned_round() -> None:
    box = np.float32([[0, 0], [0, 10], [30, 10], [30, 0]])
    np.testing.assert_array_equal(order_box(box, box.astype(int)), [[0, 0], [30, 0], [30, 10], [0, 10]])


def test_hard_maps_end() -> None:
    # A dot of 10 pixels every 8: 10,000 components. Time is not asserted; a full map for each would take minutes.
    dots = np.zeros((800, 800), np.float32)
    for row in range(2):
        for column in range(5):
            dots[row::8, column::8] = 0.9
    assert len(detect_words(dots, np.zeros_like(dots), **THRESHOLDS)) == 10_000
    full = np.ones((640, 640), np.float32)
    whole = detect_words(full, full, **THRESHOLDS, poly=True)
    np.testing.assert_array_equal(whole.boxes, [[[0, 0], [639, 0], [639, 639], [0, 639]]])


def test_unequal_maps_are_refused() -> None:
    with pytest.raises(ValueError, match="two \\[H, W\\] maps"):
        detect_words(np.zeros((4, 4), np.float32), np.zeros((4, 5), np.float32), **THRESHOLDS)


def test_map_to_image_undoes_both_resolutions() -> None:
    # 100 x 200 image, doubled by the preprocessing: a map pixel is an image pixel again, with the same half-pixel rule.
    fitted = Preprocess().fit(np.zeros((100, 200, 3), np.uint8), 400, 2.0)
    quad = np.float32([[[10, 20], [50, 20], [50, 40], [10, 40]]])
    there = transform_points(quad, INPUT_TO_MAP @ fitted.matrix)
    np.testing.assert_allclose(there, quad, atol=1e-5)
    back = map_to_image(Detections(there, np.ones(1, np.float32), [there[0]]), fitted.matrix)
    np.testing.assert_allclose(back.boxes, quad, atol=1e-5)
    np.testing.assert_allclose(back.polygons[0], quad[0], atol=1e-5)
