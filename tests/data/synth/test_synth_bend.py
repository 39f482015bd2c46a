from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from synth_recipes import load

from data.synth import scene as scene_module
from data.synth.ink import render
from data.synth.ink.render import warp_layer
from data.synth.placing.bend import Bend, any_meet, band, hull, hulls_of, make_bend, quads_of
from data.synth.placing.placement import map_points, shift_matrix, tilt_matrix
from data.synth.resources import Resources
from data.synth.scene import draw_scene

BOXES = np.array([[10.0, 20, 28, 50], [30, 24, 44, 50], [47, 20, 69, 58], [90, 20, 110, 50]])
WORDS = np.array([0, 0, 0, 1])
WORD_BOXES = np.array([[10.0, 20, 69, 58], [90, 20, 110, 50]])
MIDDLE = np.array([60.0, 39.0])

# Points of a block of 400 x 60 pixels and arcs of up to 1.6 radians of it.
points = st.lists(st.tuples(st.floats(-200, 200), st.floats(-30, 30)), min_size=1, max_size=6).map(np.array)
bends = st.builds(Bend, st.floats(-0.004, 0.004), st.floats(-50, 50), st.floats(-20, 20))


@given(points, bends)
@example(np.array([[1.5, 0.0]]), Bend(5e-324, 0.0, 0.0))
def test_bending_back_is_the_inverse(flat: np.ndarray, bend: Bend) -> None:
    np.testing.assert_allclose(bend.inverse(bend.apply(flat)), flat, atol=1e-7)
    np.testing.assert_allclose(bend.apply(bend.inverse(flat)), flat, atol=1e-7)


def test_bend_is_a_circle() -> None:
    """By its definition, with sine and cosine about the circle's centre."""
    bend, radius = Bend(1 / 80, 60, 39), 80.0
    for s, t in ((0.0, 0.0), (50.0, -10.0), (-70.0, 15.0), (40.0, 0.0)):
        angle = s / radius
        expected = [60 + (radius - t) * np.sin(angle), 39 + radius - (radius - t) * np.cos(angle)]
        np.testing.assert_allclose(bend.apply(np.array([60 + s, 39 + t])), expected)
    # The other way up is the mirror image.
    mirrored = Bend(-1 / 80, 60, 39).apply(np.array([100.0, 29.0]))
    np.testing.assert_allclose(mirrored, bend.apply(np.array([100.0, 49.0])) * (1, -1) + (0, 78))


@pytest.mark.parametrize("curvature", [1e-5, 1e-9, 1e-15, 1e-300, 0.0, -1e-12])
def test_bend_is_the_identity_as_the_radius_grows(curvature: float) -> None:
    flat = np.random.default_rng(0).uniform(-200, 200, (50, 2))
    # s^2 k / 2 is what a bend adds to first order.
    bend = Bend(curvature, 3.0, -5.0)
    most = abs(curvature) * 210**2 + 1e-9
    assert np.abs(bend.apply(flat) - flat).max() <= most
    assert np.abs(bend.inverse(flat) - flat).max() <= most
    np.testing.assert_allclose(quads_of(BOXES, bend), BOXES[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], atol=most)


@pytest.mark.parametrize("curvature", [1 / 120, -1 / 120, 1 / 400])
def test_quads_hold_their_bent_boxes_and_touch_them(curvature: float) -> None:
    bend = Bend(curvature, *MIDDLE)
    quads = quads_of(BOXES, bend)
    for box, quad in zip(BOXES, quads, strict=True):
        bent = shapely.Polygon(band(box[:2], box[2:], bend, pieces=400))
        shape = shapely.Polygon(quad)
        assert shape.is_valid and shape.exterior.is_ccw  # y points down: clockwise as seen
        assert bent.difference(shape).area < 1e-4 * bent.area
        assert bent.area > 0.97 * shape.area
        assert shape.exterior.distance(shapely.Point(bend.apply(np.array([(box[0] + box[2]) / 2, box[1]])))) < (
            1e-6 if curvature > 0 else 1.0
        )
    hulls = hulls_of(quads, WORDS, WORD_BOXES, bend)
    for word, rectangle in enumerate(hulls):
        shape = shapely.Polygon(rectangle).buffer(1e-9)
        assert all(shape.contains(shapely.Polygon(quad)) for quad in quads[word == WORDS])
        sides = np.roll(rectangle, -1, axis=0) - rectangle
        np.testing.assert_allclose((sides * np.roll(sides, -1, axis=0)).sum(axis=1), 0, atol=1e-9)


def test_curvature_is_what_words_and_letters_bear() -> None:
    wide = make_bend(10.0, WORD_BOXES, BOXES, WORDS, MIDDLE, 40)
    assert wide is not None and 1 / wide.curvature >= 19 + 3.3 * 38
    for angle in (0.3, -0.3):
        gentle = make_bend(angle, WORD_BOXES, BOXES, WORDS, MIDDLE, 40)
        assert gentle is not None and gentle.curvature * 100 == pytest.approx(angle)
    crowded = BOXES - np.array([[0, 0, 0, 0]] * 3 + [[20.5, 0, 20.5, 0]])  # half a pixel between the words
    near = np.array([[10.0, 20, 69, 58], [69.5, 20, 89.5, 50]])
    tight = make_bend(1.0, near, crowded, WORDS, MIDDLE, 5)
    assert tight is None or not any_meet(hulls_of(quads_of(crowded, tight), WORDS, near, tight, pad=0.2))


def test_hull_is_convex_and_holds_the_points() -> None:
    cloud = np.random.default_rng(0).normal(0, 30, (60, 2))
    shape = shapely.Polygon(hull(cloud))
    assert shape.buffer(1e-6).contains(shapely.MultiPoint(cloud)) and shape.exterior.is_ccw
    assert shape.area == pytest.approx(shapely.MultiPoint(cloud).convex_hull.area)


@pytest.mark.parametrize("curvature", [1 / 90, -1 / 150, 1e-12])
def test_bent_warp_equals_point_by_point_sampling(curvature: float) -> None:
    """Each pixel from the drawing itself, by the inverse map at float64: one resampling, bilinear."""
    rng = np.random.default_rng(1)
    layer = cv2.GaussianBlur(rng.integers(0, 256, (60, 120), dtype=np.uint8), (0, 0), 1.5)
    bend = Bend(curvature, 59.5, 29.5)
    matrix = shift_matrix(100, 80) @ tilt_matrix((20, -15, 10), 300, 0.9) @ shift_matrix(-59.5, -29.5)
    window, warped = warp_layer(layer, matrix, 220, 170, bend)
    whole = np.zeros((170, 220), np.uint8)
    window.of(whole)[:] = warped
    ys, xs = np.mgrid[:170, :220]
    source = bend.inverse(map_points(np.stack([xs, ys], axis=-1).astype(float), np.linalg.inv(matrix)))
    padded = np.pad(layer.astype(float), 1)
    x, y = np.clip(source[..., 0] + 1, 0, 120.999), np.clip(source[..., 1] + 1, 0, 60.999)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = x - x0, y - y0
    expected = (padded[y0, x0] * (1 - fx) + padded[y0, x0 + 1] * fx) * (1 - fy)
    expected += (padded[y0 + 1, x0] * (1 - fx) + padded[y0 + 1, x0 + 1] * fx) * fy
    # OpenCV places samples on a grid of 1/32 pixel.
    assert np.abs(whole - expected).max() < 8 and np.abs(whole - expected).mean() < 0.5


def test_a_straight_bend_draws_what_the_homography_draws() -> None:
    layer = cv2.GaussianBlur(np.random.default_rng(2).integers(0, 256, (40, 90), dtype=np.uint8), (0, 0), 1.5)
    matrix = shift_matrix(70, 60) @ tilt_matrix((10, 25, -20), 250, 0.8) @ shift_matrix(-44.5, -19.5)
    canvases = []
    for bend in (None, Bend(1e-9, 44.5, 19.5)):
        window, warped = warp_layer(layer, matrix, 150, 130, bend)
        canvases.append(np.zeros((130, 150), np.uint8))
        window.of(canvases[-1])[:] = warped
    assert np.abs(canvases[0].astype(int) - canvases[1]).max() <= 6


def test_a_bent_block_is_resampled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("remap", "warpPerspective"):
        true = getattr(cv2, name)
        monkeypatch.setattr(
            render.cv2, name, lambda *args, _true=true, _name=name, **kw: (calls.append(_name), _true(*args, **kw))[1]
        )
    warp_layer(np.full((40, 90), 255, np.uint8), shift_matrix(10, 10), 200, 200, Bend(0.005, 44.5, 19.5))
    assert calls == ["remap"]


def test_words_on_curves_never_overlap_nor_leave_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("draw_block", "draw_distractor"):
        monkeypatch.setattr(scene_module, name, lambda *args: None)  # where words stand does not depend on it
    monkeypatch.setattr(scene_module, "photograph", lambda image, *args: image)
    layout = {"width": [448, 448], "height": [384, 384], "blocks": [4, 8], "text_height": [8.0, 40.0]}
    layout |= {"curve": {"probability": 0.7, "strength": [30.0, 180.0]}, "tilt": [-35.0, 35.0], "words": [1, 3]}
    config = load("generate_scenes", layout=layout)
    resources = Resources.load(config)
    bent = several = 0
    for index in range(100):
        scene = draw_scene(config, resources, "train", index)
        quads = scene.sample.word_quads.astype(float)
        assert quads.min() >= 0 and np.all(quads.max(axis=(0, 1)) <= (447, 383))
        assert scene.sample.char_quads.min() >= 0 and np.all(scene.sample.char_quads.max(axis=(0, 1)) <= (447, 383))
        polygons = shapely.polygons(quads)
        assert shapely.is_valid(polygons).all()
        distances = shapely.distance(polygons[:, None], polygons[None])
        assert distances[~np.eye(len(polygons), dtype=bool)].min(initial=np.inf) > 0.3
        bent += sum(item.bend is not None for item in scene.blocks)
        several += sum(item.bend is not None and len(item.block.words) > 1 for item in scene.blocks)
    assert bent > 150 and several > 50
