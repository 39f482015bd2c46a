from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from config.schema.generation import CameraSettings, Effect, LookSettings
from data.augment.effects import disc_kernel, photograph, sharpen
from data.augment.lighting import dark_corners, even_gain, lamp, light_unevenly, tint
from data.synth.ground.photos import load_photo
from data.synth.ink.fills import emboss_shade, fill_colours, relief_of, shade_of

OPTIONAL = ("defocus", "lighting", "vignette", "cast", "sharpening")


@pytest.mark.parametrize("radius", [0.4, 1.0, 1.7, 2.5, 4.2])
def test_disc_kernel_is_a_disc(radius: float) -> None:
    kernel = disc_kernel(radius)
    assert kernel.dtype == np.float32 and kernel.sum() == pytest.approx(1.0, abs=1e-6) and kernel.min() >= 0
    assert np.array_equal(kernel, kernel[::-1, ::-1]) and np.array_equal(kernel, kernel.T)  # labels stay in place
    ys, xs = np.mgrid[: kernel.shape[0], : kernel.shape[1]] - kernel.shape[0] // 2
    distance = np.hypot(xs, ys)
    assert np.all(kernel[distance > radius + 0.5] == 0)
    if radius >= 1.7:  # a disc's variance along an axis is a quarter of its squared radius
        assert float((kernel * xs**2).sum()) == pytest.approx(radius**2 / 4, rel=0.15)
        assert np.ptp(kernel[distance < radius - 0.5]) < 1e-7


def test_gains_keep_their_limits() -> None:
    rng = np.random.default_rng(0)
    even = even_gain(203, 99)
    for _ in range(20):
        gain = lamp(even, 0.6, rng)
        assert gain.min() == pytest.approx(0.4, abs=1e-5) and gain.max() == pytest.approx(1.0, abs=1e-5)
    corners = dark_corners(even, 0.4)
    assert corners[0, 0] == pytest.approx(0.6, abs=1e-5) and corners[-1, -1] == pytest.approx(0.6, abs=1e-5)
    assert corners.max() <= 1 and corners[corners.shape[0] // 2, corners.shape[1] // 2] > 0.97
    for _ in range(20):
        colour = tint(even, 0.15, rng)[0, 0]
        assert colour.max() == pytest.approx(1.0) and colour.min() >= 0.85 / 1.15 - 1e-6


def test_light_multiplies_and_moves_nothing() -> None:
    image = np.random.default_rng(0).integers(0, 256, (99, 203, 3), dtype=np.uint8)
    assert np.array_equal(light_unevenly(image, even_gain(203, 99)), image)
    gain = lamp(even_gain(203, 99), 0.5, np.random.default_rng(1))
    ratio = light_unevenly(np.full((99, 203, 3), 200, np.uint8), gain)[..., 0] / 200
    np.testing.assert_allclose(ratio, cv2.resize(gain, (203, 99)), atol=0.006)


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_effect_that_no_scene_has_draws_no_number(name: str) -> None:
    """So that scenes of older settings stay what they were."""
    image = np.random.default_rng(0).integers(60, 200, (64, 80, 3), dtype=np.uint8)
    plain = CameraSettings()
    never = plain.model_copy(update={name: Effect(probability=0.0, strength=[0.5, 0.9])})
    always = plain.model_copy(update={name: Effect(probability=1.0, strength=[0.9, 0.9])})
    results = []
    for camera in (plain, never, always):
        rng = np.random.default_rng(3)
        results.append((photograph(image, camera, rng).tobytes(), rng.random()))
    assert results[0] == results[1]
    assert results[2][0] != results[0][0]


def test_sharpening_leaves_even_areas_and_steepens_edges() -> None:
    image = np.full((20, 40, 3), 80, np.uint8)
    image[:, 20:] = 160
    sharp = sharpen(image, 1.0).astype(int)
    assert np.all(sharp[:, :14] == 80) and np.all(sharp[:, 26:] == 160)
    assert sharp[:, 19].max() < 75 and sharp[:, 20].min() > 165


def test_fills_contrast_at_least_as_well_as_their_colour() -> None:
    rng = np.random.default_rng(0)
    luma = np.array([0.299, 0.587, 0.114])
    kinds = set()
    for look in (LookSettings(gradient=0, texture=1), LookSettings(gradient=1, texture=0), LookSettings(gradient=0)):
        for colour in ((30, 20, 40), (220, 240, 210)):
            for _ in range(20):
                fill = fill_colours(np.array(colour, np.float32), 60, 25, look, rng)
                kinds.add(fill.shape)
                assert fill.min() >= -1e-3 and fill.max() <= 255.01
                own = np.dot(colour, luma)
                assert np.all(fill @ luma <= own + 0.5) if own < 128 else np.all(fill @ luma >= own - 0.5)
    assert kinds == {(3,), (25, 1, 3), (25, 60, 3)}


def test_emboss_lights_one_side_and_darkens_the_other() -> None:
    fill = np.zeros((60, 60), np.uint8)
    fill[15:45, 15:45] = 255
    for seed in range(10):
        shade = shade_of(emboss_shade(fill, 48, np.random.default_rng(seed)))[..., 0]
        assert abs(shade[30, 30]) < 1 and abs(shade[3, 3]) < 1
        assert shade.max() > 40 and shade.min() < -40
        np.testing.assert_allclose(shade, -shade[::-1, ::-1][:60, :60], atol=3)


def test_relief_follows_the_ground_within_limits() -> None:
    ground = np.random.default_rng(0).integers(0, 256, (30, 40, 1), dtype=np.uint8).repeat(3, axis=2)
    relief = relief_of(ground, np.random.default_rng(1))
    assert relief.shape == (30, 40, 1) and np.abs(relief).max() <= 40
    assert np.corrcoef(relief.ravel(), ground[..., 0].ravel())[0, 1] > 0.9
    assert np.abs(relief_of(np.full((5, 5, 3), 90, np.uint8), np.random.default_rng(1))).max() < 1e-3


def test_photos_are_flipped_and_lit_as_asked(tmp_path) -> None:
    photo = np.zeros((64, 96, 3), np.uint8)
    photo[:, :48], photo[:, 48:] = 40, 200
    cv2.imwrite(str(tmp_path / "a.png"), photo)
    plain = load_photo(tmp_path / "a.png", 96, 64, np.random.default_rng(0))
    flipped = load_photo(tmp_path / "a.png", 96, 64, np.random.default_rng(0), flip=1.0)
    assert np.array_equal(flipped, plain[:, ::-1])
    levels = {
        int(load_photo(tmp_path / "a.png", 96, 64, np.random.default_rng(seed), light=0.3).max()) for seed in range(30)
    }
    assert len(levels) > 10 and min(levels) >= 200 * 0.7 and max(levels) <= 255


def test_large_photos_are_read_at_a_fraction_of_their_size(tmp_path, monkeypatch) -> None:
    large = cv2.resize(np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8), (1600, 1200))
    cv2.imwrite(str(tmp_path / "a.jpg"), large)
    flags, true = [], cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda data, flag: (flags.append(flag), true(data, flag))[1])
    for side in (700, 300, 150, 70):
        assert load_photo(tmp_path / "a.jpg", side, side, np.random.default_rng(0)).shape == (side, side, 3)
    expected = [cv2.IMREAD_COLOR, cv2.IMREAD_REDUCED_COLOR_2, cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_REDUCED_COLOR_8]
    assert flags == expected
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # more than twice as many: Pillow refuses to open it
    assert load_photo(tmp_path / "a.jpg", 70, 70, np.random.default_rng(0)).shape == (70, 70, 3)
    assert flags[-1] == cv2.IMREAD_REDUCED_COLOR_4
