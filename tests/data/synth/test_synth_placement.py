from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from synth_recipes import load

from data.synth import scene as scene_module
from data.synth.placing.placement import find_place, map_points, shift_matrix, shifts_that_meet, tilt_matrix
from data.synth.placing.smooth import Preference, Roughness
from data.synth.resources import Resources
from data.synth.scene import draw_scene


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


def halves(rough: int) -> np.ndarray:
    """A grey picture of 200 x 100 pixels whose right half is noise of +-`rough`."""
    image = np.full((100, 200, 3), 128, np.uint8)
    image[:, 100:] += np.random.default_rng(5).integers(-rough, rough + 1, (100, 100, 1)).astype(np.int8).view(np.uint8)
    return image


def test_roughness_is_the_mean_gradient() -> None:
    ramp = np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 80, axis=0).repeat(3, axis=2)
    roughness = Roughness.of(ramp)
    # At half the resolution the ramp rises by 4 a pixel.
    assert roughness.around(np.array([[50.0, 40.0], [30.0, 60.0]]), 10) == pytest.approx([4.0, 4.0], abs=1e-6)
    rough = Roughness.of(halves(60))
    points = np.array([[20.0, 50.0], [60.0, 20.0], [150.0, 50.0], [180.0, 90.0], [500.0, 60.0]])
    edges = rough.around(points, 8)
    assert edges[:2] == pytest.approx([0, 0]) and edges[2:].min() > 4
    assert rough.mean == pytest.approx(rough.around(np.array([[100.0, 50.0]]), 1000.0)[0])


@pytest.mark.parametrize(("strength", "least", "most"), [(0.0, 0.3, 0.7), (0.5, 0.9, 1.0), (1.0, 1.0, 1.0)])
def test_text_prefers_the_smooth_half(strength: float, least: float, most: float) -> None:
    rng = np.random.default_rng(0)
    preference, quad = Preference(Roughness.of(halves(60)), strength), rotated(30, 10, 0.2, 0, 0)
    lefts = []
    for _ in range(200):
        x, _ = find_place(quad, [], 200, 100, 60, rng, preference, quad, 5.0)
        lefts.append(x < 100)
    assert least <= np.mean(lefts) <= most


def test_rough_places_are_refused_and_strength_zero_changes_nothing() -> None:
    image = halves(60)
    quad, left = rotated(30, 10, 0.0, 0, 0), np.array([[0.0, 0.0], [104, 0], [104, 99], [0, 99]])
    strong, weak = (Preference(Roughness.of(image), strength) for strength in (0.8, 0.0))
    # The smooth half is taken; the rest is twice as rough as the picture.
    assert find_place(quad, [left], 200, 100, 60, np.random.default_rng(1), strong, quad, 5.0) is None
    first = find_place(quad, [left], 200, 100, 60, np.random.default_rng(1), weak, quad, 5.0)
    assert first == find_place(quad, [left], 200, 100, 60, np.random.default_rng(1))


def test_scenes_on_photos_put_their_text_in_smooth_places(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(scene_module, "draw_block", lambda *args: None)
    monkeypatch.setattr(scene_module, "photograph", lambda image, *args: image)
    photo = np.full((300, 400, 3), 150, np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, photo.shape, dtype=np.uint8)
    rough = (np.arange(300)[:, None] // 75 + np.arange(400) // 100) % 2 == 1
    photo[rough] = noise[rough]
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"{name}.png"), photo)
    side, sides = {"width": [400, 400], "height": [300, 300]}, {}
    for smooth in (0.0, 1.0):
        config = load(
            "generate_demo",
            backgrounds={"folder": str(tmp_path), "smooth": smooth, "distractors": [0, 0]},
            layout={**side, "blocks": [2, 3], "text_height": [10.0, 14.0], "lines": [1, 1], "words": [1, 1]},
        )
        resources = Resources.load(config)
        roughness = []
        for index in range(25):
            scene = draw_scene(config, resources, "train", index)
            middles = scene.sample.word_quads.mean(axis=1)
            roughness += Roughness.of(scene.sample.image).around(middles, 8).tolist()
        sides[smooth] = np.mean(roughness)
    assert sides[0.0] > 3 and sides[1.0] < 0.4 * sides[0.0]


def test_shift_matrix_moves() -> None:
    np.testing.assert_allclose(map_points(np.array([[1.0, 2.0]]), shift_matrix(3, -4)), [[4, -2]])
