"""Region maps against a per-pixel twin, and the properties that the drawing must have."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data.heatmap.gaussian import draw_gaussians, enlarged
from data.heatmap.homography import diagonal_crossings, square_to_quads
from data.sample import transform_points

SIZE, SIGMA = 200, 40.0
RIM = math.exp(-((SIZE / 2 / SIGMA) ** 2) / 2)


def draw(quads, shape=(96, 128), enlarge=(0.5, 0.5)):
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    return draw_gaussians(quads, shape, size=SIZE, sigma=SIGMA, enlarge=np.tile(enlarge, (len(quads), 1)))


def plain_draw(quads, shape, enlarge):
    """Pixel by pixel, with OpenCV's homography of an explicitly enlarged canvas; NaN on the very rim, where the
    Gaussian is cut off and rounding alone decides."""
    canvas = np.zeros(shape)
    for quad in np.asarray(quads, np.float64).reshape(-1, 4, 2):
        centre = diagonal_crossings(quad)[0]
        axes = np.stack([quad[1] - quad[0] + quad[2] - quad[3], quad[3] - quad[0] + quad[2] - quad[1]], axis=1)
        along = np.linalg.solve(axes, (quad - centre).T).T * (1 + np.asarray(enlarge))
        grown = centre + along @ axes.T
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        inverse = np.linalg.inv(cv2.getPerspectiveTransform(corners, grown.astype(np.float32)))
        for y in range(shape[0]):
            for x in range(shape[1]):
                u, v, depth = inverse @ (x, y, 1)
                if depth <= 0:
                    continue
                u, v = u / depth, v / depth
                radius = math.hypot(u, v) * SIZE / 2
                if abs(radius / (SIZE / 2) - 1) < 1e-4:
                    canvas[y, x] = math.nan
                elif radius <= SIZE / 2:
                    canvas[y, x] = np.maximum(canvas[y, x], math.exp(-(radius**2) / (2 * SIGMA**2)))
    return canvas


def rotated_box(cx, cy, w, h, angle):
    box = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2
    cos, sin = math.cos(angle), math.sin(angle)
    return box @ np.array([[cos, sin], [-sin, cos]]) + (cx, cy)


boxes = st.builds(
    rotated_box, st.floats(20, 100), st.floats(20, 76), st.floats(6, 40), st.floats(6, 40), st.floats(-math.pi, math.pi)
)
jitter = st.lists(st.floats(-0.12, 0.12), min_size=8, max_size=8).map(lambda v: np.reshape(v, (4, 2)))


@given(boxes, jitter, st.tuples(st.floats(0, 1), st.floats(0, 1)))
@example(rotated_box(20.0, 20.0, 6.0, 6.0, 0.0), np.zeros((4, 2)), (0.0, 0.0))
@settings(max_examples=10, deadline=None)
def test_agrees_with_the_pixel_loop(box, noise, enlarge):
    quad = box + noise * np.linalg.norm(box[1] - box[0])
    expected = plain_draw([quad], (48, 64), enlarge)
    assert np.nanmax(np.abs(draw([quad], (48, 64), enlarge) - expected)) < 1e-3


def test_several_quads_take_the_higher_value():
    quads = [rotated_box(20, 20, 12, 16, 0.2), rotated_box(27, 22, 12, 16, 0.0), rotated_box(40, 30, 9, 9, 1.0)]
    expected = plain_draw(quads, (48, 64), (0.5, 0.5))
    assert np.nanmax(np.abs(draw(quads, (48, 64)) - expected)) < 1e-4


@given(boxes, jitter)
@settings(max_examples=60, deadline=None)
def test_values_and_peak(box, noise):
    """Values lie in 0..1, and where the diagonals cross on a pixel, that pixel is the highest and has the value 1."""
    quad = box + noise * min(np.ptp(box[:, 0]), np.ptp(box[:, 1]), 20)
    crossing = diagonal_crossings(quad)[0]
    drawn = draw([quad + np.round(crossing) - crossing])
    assert drawn.min() >= 0 and drawn.max() <= 1 + 1e-6
    y, x = np.unravel_index(drawn.argmax(), drawn.shape)
    assert [x, y] == np.round(crossing).tolist()
    assert drawn.max() == pytest.approx(1.0, abs=1e-6)


def test_closed_form_on_an_axis_aligned_box():
    """A 20x20 box enlarged by half has radius 15: 6 pixels from its centre the Gaussian stands at r = 40 = sigma."""
    drawn = draw([rotated_box(50, 50, 20, 20, 0)])
    assert drawn[50, 50] == pytest.approx(1.0)
    assert drawn[50, 56] == pytest.approx(math.exp(-0.5), rel=1e-5)
    assert drawn[50, 65] == pytest.approx(math.exp(-0.5 * 2.5**2), rel=1e-5)
    assert drawn[50, 66] == 0.0
    assert drawn[61, 61] == 0.0  # inside the square, outside the inscribed circle


@given(
    st.builds(
        rotated_box, st.floats(30, 90), st.floats(30, 66), st.floats(14, 40), st.floats(14, 40), st.floats(-3, 3)
    ),
    jitter,
    st.floats(-0.6, 0.6),
    st.floats(0.7, 1.4),
)
@settings(max_examples=25, deadline=None)
def test_drawing_commutes_with_the_geometry(box, noise, angle, scale):
    """Draw on a fine grid and warp the map, or warp the quad and draw: the same map."""
    fine = 4
    quad = box + noise * 14
    turn = cv2.getRotationMatrix2D((64, 48), math.degrees(angle), scale)
    matrix = np.vstack([turn, [2e-4, -1e-4, 1]])
    up = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2], [0, 0, 1]])
    shape = (96 * fine, 128 * fine)
    # With a margin, for the warp may bring into the map what the first drawing would cut off at its edge.
    margin, larger = 60, ((96 + 120) * fine, (128 + 120) * fine)
    first = draw(transform_points(quad + margin, up), larger)
    back = np.array([[1, 0, -margin], [0, 1, -margin], [0, 0, 1.0]])
    warped = cv2.warpPerspective(first, up @ matrix @ back @ np.linalg.inv(up), shape[::-1], flags=cv2.INTER_LINEAR)
    drawn = draw(transform_points(quad, up @ matrix), shape)
    difference = np.abs(warped - drawn)
    # On the circle's rim the Gaussian is cut off at 0.044, and there alone the two may differ by about as much. The
    # warp spreads that step over two pixels of the first map, which it enlarges by up to 1.4 and the perspective.
    inside = cv2.erode((drawn > 0).astype(np.uint8), np.ones((13, 13))) > 0
    assert difference.max() < 0.08
    assert difference[inside].max(initial=0) < 0.04
    assert (difference[inside] > 0.02).mean() < 0.01 if inside.any() else True


@given(st.floats(-10, 140), st.floats(-10, 106), st.floats(5, 60), st.floats(-3, 3))
@example(1.0, 0.0, 20.0, 0.0)
@settings(max_examples=40, deadline=None)
def test_a_character_that_leaves_the_map_is_drawn_up_to_the_edge(cx, cy, side, angle):
    quad = rotated_box(cx, cy, side, side * 0.7, angle)
    margin = 80
    larger = draw([quad + margin], (96 + 2 * margin, 128 + 2 * margin))[margin:-margin, margin:-margin]
    drawn = draw([quad])
    # A pixel on the very rim, where the Gaussian is cut off, may fall to either side.
    rim = (np.minimum(drawn, larger) == 0) & (np.abs(np.maximum(drawn, larger) - RIM) < 1e-4)
    np.testing.assert_allclose(drawn[~rim], larger[~rim], atol=1e-6)


@pytest.mark.parametrize(
    "quad",
    [
        [[5, 5], [5, 5], [5, 5], [5, 5]],  # a point
        [[5, 5], [25, 5], [25, 5], [5, 5]],  # a line
        [[5, 5], [15, 15], [25, 25], [35, 35]],  # collinear corners
        [[np.nan, 5], [25, 5], [25, 25], [5, 25]],
        [[1e9, 1e9], [2e9, 1e9], [2e9, 2e9], [1e9, 2e9]],  # far outside
    ],
)
def test_degenerate_quads_draw_nothing_and_spoil_nothing(quad):
    good = rotated_box(60, 40, 20, 20, 0)
    np.testing.assert_array_equal(draw([quad, good]), draw([good]))


def test_a_strongly_tapered_quad_stays_inside_its_enlarged_outline():
    """Between a comma and a tall letter the affinity quad is a wedge; its Gaussian must not run off as a plume."""
    wedge = np.array([[40, 50], [60, 30], [60, 62], [40, 53]], float)
    drawn = draw([wedge])
    outline = np.zeros(drawn.shape, np.uint8)
    cv2.fillPoly(outline, [np.round(enlarged(wedge, [[0.5, 0.5]])).astype(np.int32).reshape(-1, 1, 2)], 1)
    assert drawn.max() > 0.9
    assert (drawn[cv2.dilate(outline, np.ones((3, 3))) == 0] == 0).all()


def test_mirrored_quads_and_strong_perspective_stay_in_range():
    mirrored = rotated_box(60, 40, 20, 20, 0)[[1, 0, 3, 2]]
    np.testing.assert_allclose(draw([mirrored]), draw([mirrored[[1, 0, 3, 2]]]), atol=1e-6)
    wedge = draw([[[40, 40], [60, 20], [60, 80], [40, 44]]])
    assert 0.9 < wedge.max() <= 1.0


def test_no_quads():
    assert draw(np.zeros((0, 4, 2))).sum() == 0


def test_many_large_quads_are_drawn_in_chunks(monkeypatch):
    quads = [rotated_box(10 + 3 * k, 40, 30, 30, 0.1 * k) for k in range(30)]
    whole = draw(quads)
    monkeypatch.setattr("data.heatmap.gaussian.CHUNK_PIXELS", 1000)
    np.testing.assert_array_equal(draw(quads), whole)


@given(boxes, jitter)
@settings(max_examples=30, deadline=None)
def test_homography_maps_the_corners(box, noise):
    quad = box + noise * 5
    mapped = transform_points(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]), square_to_quads(quad)[0])
    np.testing.assert_allclose(mapped, quad, atol=1e-3)
    np.testing.assert_allclose(
        transform_points(np.zeros((1, 2)), square_to_quads(quad)[0]), diagonal_crossings(quad), atol=1e-3
    )
