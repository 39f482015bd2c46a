from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import UserError
from config.schema.generation import BackgroundSettings, LookSettings
from data.augment.effects import add_noise, expose, motion_kernel
from data.synth.ground.backgrounds import make_background
from data.synth.ground.colours import LUMA, random_colour, text_colour, with_luma
from data.synth.ground.photos import find_photos, load_photo
from data.synth.ink.render import warp_layer
from data.synth.placing.placement import shift_matrix, tilt_matrix


def test_window_warp_equals_the_warp_of_the_whole_image() -> None:
    rng = np.random.default_rng(0)
    layer = rng.integers(0, 256, (20, 50), dtype=np.uint8)
    for _ in range(10):
        angles = tuple(rng.uniform(-30, 30, 3))
        matrix = shift_matrix(*rng.uniform(20, 180, 2)) @ tilt_matrix(angles, 200, 0.8) @ shift_matrix(-25, -10)
        whole = cv2.warpPerspective(layer, matrix, (200, 160), flags=cv2.INTER_LINEAR)
        canvas = np.zeros((160, 200), np.uint8)
        placed = warp_layer(layer, matrix, 200, 160)
        if placed is not None:
            window, warped = placed
            window.of(canvas)[:] = warped
        assert np.abs(canvas.astype(int) - whole).max() <= 1
    assert warp_layer(layer, shift_matrix(500, 0), 200, 160) is None


def test_text_contrasts_with_what_it_is_drawn_on() -> None:
    rng = np.random.default_rng(1)
    look = LookSettings(contrast=[70.0, 120.0], low_contrast=0.0)
    for _ in range(200):
        ground = np.full((9, 9, 3), random_colour(rng), np.uint8)
        difference = abs(float(text_colour(ground, look, rng) @ LUMA) - float(ground[0, 0] @ LUMA))
        assert 68 <= difference <= 122
    busy = rng.integers(60, 160, (40, 40, 3), dtype=np.uint8)
    luma = float(text_colour(busy, look, rng) @ LUMA)
    assert ((busy @ LUMA) < luma).mean() > 0.9 or ((busy @ LUMA) > luma).mean() > 0.9


@pytest.mark.parametrize("luma", [0, 30, 128, 250, 255])
def test_with_luma_is_exact_and_in_range(luma: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(20):
        colour = with_luma(random_colour(rng), luma)
        assert float(colour @ LUMA) == pytest.approx(luma, abs=0.1)
        assert colour.min() >= -1e-3 and colour.max() <= 255.1


def test_noise_has_its_deviation_and_does_not_repeat_between_images() -> None:
    grey = np.full((700, 600, 3), 128, np.uint8)
    first = add_noise(grey, 10.0, np.random.default_rng(0)).astype(float)
    second = add_noise(grey, 10.0, np.random.default_rng(1)).astype(float)
    assert first.std() == pytest.approx(10.0, rel=0.01) and first.mean() == pytest.approx(128, abs=0.1)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(first[..., 0].ravel(), first[..., 1].ravel())[0, 1]) < 0.01


def test_motion_kernel_is_centred_and_of_its_length() -> None:
    for length, angle in ((2.0, 0.0), (5.0, 0.7), (8.3, 2.0)):
        kernel = motion_kernel(length, angle)
        assert kernel.sum() == pytest.approx(1.0, abs=1e-5)
        ys, xs = np.mgrid[: kernel.shape[0], : kernel.shape[1]] - kernel.shape[0] // 2
        # No shift: the labels stay where they are.
        assert float((kernel * xs).sum()) == pytest.approx(0, abs=1e-4)
        assert float((kernel * ys).sum()) == pytest.approx(0, abs=1e-4)
        along = xs * np.cos(angle) + ys * np.sin(angle)
        assert np.sqrt((kernel * along**2).sum()) == pytest.approx((length - 1) / np.sqrt(12), abs=0.5)


def test_exposure_changes_the_light_but_clips_little() -> None:
    image = np.random.default_rng(0).integers(20, 120, (64, 64, 3), dtype=np.uint8)
    assert expose(image, 1.0, 50.0).mean() == pytest.approx(image.mean() + 50, abs=0.5)
    assert expose(image, 0.5, 0.0).std() == pytest.approx(image.std() / 2, rel=0.02)
    darkened = expose(image, 1.0, -76.0)
    assert (darkened == 0).mean() < 0.03 and darkened.mean() < image.mean() - 10


def test_backgrounds_differ_and_have_their_size() -> None:
    made = [make_background(90, 70, BackgroundSettings(), np.random.default_rng(seed)) for seed in range(20)]
    assert all(image.shape == (70, 90, 3) and image.dtype == np.uint8 for image in made)
    assert len({image.tobytes() for image in made}) == 20


def test_photos_fill_the_scene_and_a_broken_one_is_named(tmp_path: Path, caplog) -> None:
    (tmp_path / "sub").mkdir()
    colour = np.zeros((50, 40, 3), np.uint8)
    colour[:] = (255, 0, 10)  # BGR: blue
    cv2.imwrite(str(tmp_path / "sub" / "a.png"), colour)
    (tmp_path / "b.jpg").write_bytes(b"no image")
    assert find_photos(str(tmp_path)) == ["b.jpg", "sub/a.png"]
    photo = load_photo(tmp_path / "sub" / "a.png", 120, 64, np.random.default_rng(0))
    assert photo.shape == (64, 120, 3) and photo[30, 60].tolist() == [10, 0, 255]
    assert load_photo(tmp_path / "b.jpg", 120, 64, np.random.default_rng(0)) is None
    assert "b.jpg" in caplog.text
    (tmp_path / "empty").mkdir()
    for folder, message in (("empty", "holds no image"), ("absent", "not a folder")):
        with pytest.raises(UserError, match=message):
            find_photos(str(tmp_path / folder))
