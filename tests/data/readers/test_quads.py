from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon

from data.readers.listing import leaves_folder, natural_key
from data.readers.quads import (
    CROSSING,
    NOT_FINITE,
    OUTSIDE,
    ZERO_AREA,
    clockwise,
    outside_image,
    quad_faults,
    sides_cross,
    signed_area,
)
from data.readers.words import count_characters, join_strings, split_words

corners = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=4, max_size=4)


@given(corners)
def test_area_and_crossing_agree_with_shapely(points):
    quad = np.array([points], np.float32)
    polygon = Polygon(points)
    if polygon.is_valid:
        assert abs(signed_area(quad)[0]) == pytest.approx(polygon.area)
        assert signed_area(quad)[0] == pytest.approx(polygon.area * (1 if polygon.exterior.is_ccw else -1))  # y is down
        assert not sides_cross(quad)[0]
        assert (quad_faults(quad)[0] == ZERO_AREA) == (polygon.area < 0.5)
    elif sides_cross(quad)[0]:
        assert quad_faults(quad)[0] == CROSSING


@given(corners, st.permutations(range(4)))
def test_clockwise_undoes_any_order_of_a_convex_quad(points, order):
    hull = Polygon(points).convex_hull
    if hull.geom_type != "Polygon" or len(hull.exterior.coords) != 5:
        return
    quad = np.array(hull.exterior.coords[:4], np.float32)[list(order)]
    fixed = clockwise(quad[None])[0]
    assert fixed[0].tolist() == quad[0].tolist()
    assert sorted(fixed.tolist()) == sorted(quad.tolist())
    assert signed_area(fixed[None])[0] == pytest.approx(hull.area)
    np.testing.assert_array_equal(clockwise(fixed[None])[0], fixed)


def test_faults():
    square = np.array([[0, 0], [9, 0], [9, 9], [0, 9]], np.float32)
    nan, inf = square.copy(), square.copy()
    nan[1, 0], inf[2, 1] = np.nan, np.inf
    cases = {
        "usable": (square, 0),
        "reversed": (square[::-1], 0),
        "partly outside": (square - 5, 0),
        "nan": (nan, NOT_FINITE),
        "inf": (inf, NOT_FINITE),
        "a point": (square * 0, ZERO_AREA),
        "a line": (square * [1, 0], ZERO_AREA),
        "a third of a pixel": (square / 9 * 0.57, ZERO_AREA),
        "a bow": (square[[0, 1, 3, 2]], CROSSING),
        "left of everything": (square - [10, 0], OUTSIDE),
        "above everything": (square - [0, 10], OUTSIDE),
    }
    faults = quad_faults(np.stack([quad for quad, _ in cases.values()]))
    assert dict(zip(cases, faults.tolist(), strict=True)) == {name: fault for name, (_, fault) in cases.items()}
    assert quad_faults(np.zeros((0, 4, 2))).shape == (0,)


def test_outside_an_image_of_known_size():
    square = np.array([[0, 0], [9, 0], [9, 9], [0, 9]], np.float32)
    moved = np.stack([square + shift for shift in ([0, 0], [60, 0], [59, 39], [0, 40], [-10, 0], [-9, -9])])
    assert outside_image(moved, 40, 60).tolist() == [False, True, False, True, True, False]


@pytest.mark.parametrize(
    ("strings", "words"),
    [
        (["one"], ["one"]),
        ([" two  words \n", "\nthree  "], ["two", "words", "three"]),
        (["a\nb", "c\0\0"], ["a", "b", "c"]),
        (["  ", ""], []),
    ],
)
def test_words(strings, words):
    assert split_words(join_strings(strings)) == words


@pytest.mark.parametrize(
    ("words", "boxes", "counts"),
    [
        (["on", "e"], 3, [2, 1]),
        (["on", "e"], 4, None),
        (["cafe\u0301"], 4, [4]),  # a letter and its accent have one box
        (["cafe\u0301"], 5, [5]),  # or one each, where the generator went by code points
        (["\u0633\u0644\u0627\u0645", "a"], 4, [3, 1]),  # lam-alef is one shape
        (["\u0633\u0644\u0627\u0645", "a"], 5, [4, 1]),
        ([], 0, []),
        ([], 1, None),
    ],
)
def test_characters_are_counted_as_the_boxes_were_drawn(words, boxes, counts):
    assert count_characters(words, boxes) == counts


@given(st.text())
def test_words_hold_everything_but_white_space(text):
    words = split_words(text)
    assert "".join(words) == "".join(text.split()) and "" not in words


def test_natural_order():
    names = ["img_10", "img_9", "IMG_1", "a", "img_1", "img_01", "10", "9", "²"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "IMG_1", "img_01", "img_1", "img_9", "img_10", "²"]


@pytest.mark.parametrize("name", ["", "a\0b", "/a", "..", "a/../b", "a\\..\\b", "\\a", "C:a", "C:\\a", "//host/a"])
def test_names_that_may_leave(name):
    assert leaves_folder(name)


@pytest.mark.parametrize("name", ["a", "8/ballet_106_0.jpg", "a..b", "...", "a/b:c"])
def test_names_that_stay(name):
    assert not leaves_folder(name)
