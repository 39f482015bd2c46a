from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from data.readers.outlines import clockwise_outline, outline_area, outline_crosses, reading_rectangle

points = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=7, unique=True)


@given(points)
def test_area_and_crossing_agree_with_shapely(outline):
    polygon, array = Polygon(outline), np.array(outline, np.float64)
    if polygon.is_valid:
        assert outline_area(array) == pytest.approx(polygon.area * (1 if polygon.exterior.is_ccw else -1))  # y is down
        assert not outline_crosses(array)
    turned = clockwise_outline(array)
    assert outline_area(turned) >= 0 and turned[0].tolist() == list(outline[0])
    assert sorted(turned.tolist()) == sorted(array.tolist())


def test_crossing():
    star = [(math.sin(k * 0.8 * math.pi), math.cos(k * 0.8 * math.pi)) for k in range(5)]
    assert outline_crosses(np.array(star))
    assert outline_crosses(np.array([(0, 0), (9, 9), (9, 0), (5, 1), (0, 9)], np.float64))
    assert not outline_crosses(np.array([(0, 0), (9, 0), (9, 9), (5, 1), (0, 9)], np.float64))  # a notch


def around(width, height, count):
    """Points along the top of a box from the left and back along its bottom, `count` on either side."""
    xs = np.linspace(0, width, count)
    return np.concatenate([np.stack([xs, xs * 0], 1), np.stack([xs[::-1], xs * 0 + height], 1)])


@given(
    st.floats(0, 2 * math.pi),
    st.floats(20, 200),
    st.floats(20, 200),
    st.integers(2, 8),
    st.floats(-1e4, 1e4),
)
def test_the_rectangle_of_a_straight_word_is_the_word(angle, width, height, count, shift):
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    outline = around(width, height, count) @ turn + shift
    corners = outline[[0, count - 1, count, 2 * count - 1]]
    np.testing.assert_allclose(reading_rectangle(outline), corners, atol=0.05)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("bend", [-1, 1])
def test_the_rectangle_of_an_arched_word_begins_where_the_text_does(bend, turns):
    angles = np.linspace(-1.1, 1.1, 6)
    outer, inner = (radius * np.stack([np.sin(angles), -bend * np.cos(angles)], 1) for radius in (100, 70))
    top, bottom = (outer, inner) if bend > 0 else (inner, outer)
    outline = np.concatenate([top, bottom[::-1]])
    quarter = np.array([[0.0, 1.0], [-1.0, 0.0]])
    outline = outline @ np.linalg.matrix_power(quarter, turns) + 300
    low, high = outline.min(0), outline.max(0)
    upright = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
    np.testing.assert_allclose(reading_rectangle(outline), np.roll(upright, -turns, 0), atol=0.01)


def test_triangles_and_lines():
    triangle = np.array([[0, 0], [30, 0], [30, 10]], np.float64)
    box = reading_rectangle(triangle)
    assert outline_area(box) == pytest.approx(300, rel=1e-3) and box.shape == (4, 2) and box.dtype == np.float32
    flat = reading_rectangle(np.array([[0, 0], [5, 5], [10, 10], [20, 20], [2, 2]], np.float64))
    assert abs(outline_area(flat)) < 1e-3 and np.isfinite(flat).all()
