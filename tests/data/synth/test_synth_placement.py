from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from data.synth.placement import find_place, map_points, shift_matrix, shifts_that_meet, tilt_matrix


def rotated(width: float, height: float, angle: float, x: float, y: float) -> np.ndarray:
    corners = np.array([[-width, -height], [width, -height], [width, height], [-width, height]]) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return corners @ turn + (x, y)


quads = st.builds(rotated, st.floats(1, 60), st.floats(1, 60), st.floats(0, 7), st.floats(-40, 40), st.floats(-40, 40))


@given(quads, quads, st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=5))
def test_separating_axes_agree_with_shapely(quad: np.ndarray, other: np.ndarray, shifts: list) -> None:
    shifts = np.array(shifts)
    found = shifts_that_meet(quad, other, shifts)
    for meets, shift in zip(found, shifts, strict=True):
        distance = shapely.distance(shapely.Polygon(quad + shift), shapely.Polygon(other))
        assert meets == (distance == 0) or distance < 1e-6


def test_tilt_about_one_axis_has_a_closed_form() -> None:
    point = np.array([[30.0, 20.0]])
    # About z: a plain rotation; positive turns x towards y.
    np.testing.assert_allclose(map_points(point, tilt_matrix((0, 0, 90), 1e9, 2.0)), [[-40, 60]], atol=1e-5)
    # About x by 60 degrees: y shrinks to y cos 60 and recedes by y sin 60.
    depth = 500 + 20 * np.sin(np.pi / 3)
    expected = np.array([[30, 20 * np.cos(np.pi / 3)]]) * 500 / depth
    np.testing.assert_allclose(map_points(point, tilt_matrix((60, 0, 0), 500, 1.0)), expected)
    # About y by 30 degrees: x shrinks and comes nearer.
    expected = np.array([[30 * np.cos(np.pi / 6), 20]]) * 500 / (500 - 30 * np.sin(np.pi / 6))
    np.testing.assert_allclose(map_points(point, tilt_matrix((0, 30, 0), 500, 1.0)), expected)


def test_find_place_stays_inside_and_clear() -> None:
    rng = np.random.default_rng(0)
    quad, taken = rotated(30, 12, 0.3, -500, 900), [rotated(40, 40, 0.0, 50, 50)]
    for _ in range(50):
        place = find_place(quad, taken, 100, 100, 40, rng)
        assert place is not None
        moved = quad + place
        assert moved.min() >= -1e-9 and moved.max() <= 99 + 1e-9
        assert not shapely.Polygon(moved).intersects(shapely.Polygon(taken[0]))
    assert find_place(rotated(120, 5, 0.0, 0, 0), [], 100, 100, 40, rng) is None
    assert find_place(quad, [rotated(300, 300, 0.0, 50, 50)], 100, 100, 40, rng) is None


def test_shift_matrix_moves() -> None:
    np.testing.assert_allclose(map_points(np.array([[1.0, 2.0]]), shift_matrix(3, -4)), [[4, -2]])
