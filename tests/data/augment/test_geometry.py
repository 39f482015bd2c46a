"""The augmentation matrix: every crop version, and that image and boxes move together."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema.augmentation import (
    Augmentation,
    RandomColorJitter,
    RandomCrop,
    RandomHorizontalFlip,
    RandomRotate,
    RandomScale,
)
from data.augment.color import adjust_brightness, adjust_contrast, adjust_hue, adjust_saturation, color_jitter
from data.augment.geometry import crop_window, resize_matrix, rotation_matrix, sample_matrix, warp_sample
from data.sample import TextSample, transform_points

VERSIONS = ["random_resize_crop_synth", "random_resize_crop", "random_crop", "random_crop_with_bbox"]


def dotted_sample(height=120, width=200):
    """An image of four bright dots whose quads are 8x8 boxes around them."""
    image = np.zeros((height, width, 3), np.uint8)
    centres = np.array([[50, 40], [150, 40], [150, 90], [50, 90]], np.float32)
    for x, y in centres.astype(int):
        cv2.circle(image, (int(x), int(y)), 4, (255, 255, 255), -1)
    offsets = np.array([[-4, -4], [4, -4], [4, 4], [-4, 4]], np.float32)
    quads = centres[:, None] + offsets
    return TextSample("dots", image, list("abcd"), quads, np.zeros(4, bool), quads, np.arange(4))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("seed", range(6))
def test_boxes_stay_on_their_ink(version, seed):
    """With everything switched on, the bright pixels around each mapped centre have their centroid there."""
    augment = Augmentation(
        random_scale=RandomScale(option=True),
        random_rotate=RandomRotate(option=True),
        random_crop=RandomCrop(version=version, scale=[0.3, 0.9]),
        random_horizontal_flip=RandomHorizontalFlip(option=True),
    )
    sample = dotted_sample()
    matrix = sample_matrix(np.random.default_rng(seed), sample, augment, 160)
    warped = warp_sample(sample, matrix, 160)
    assert warped.image.shape == (160, 160, 3)
    for quad in warped.char_quads:
        centre = quad.mean(axis=0)
        radius = int(np.ceil(np.abs(quad - centre).max())) + 2
        x, y = np.round(centre).astype(int)
        if min(x, y) < radius or max(x, y) >= 160 - radius:
            continue
        patch = warped.image[y - radius : y + radius + 1, x - radius : x + radius + 1, 0].astype(float)
        ys, xs = np.mgrid[-radius : radius + 1, -radius : radius + 1]
        found = np.array([(xs * patch).sum(), (ys * patch).sum()]) / patch.sum() + (x, y)
        assert np.abs(found - centre).max() < 0.35


@given(st.sampled_from(VERSIONS), st.integers(0, 10_000), st.integers(20, 300), st.integers(20, 300))
@settings(max_examples=150, deadline=None)
def test_windows_lie_on_the_canvas_where_it_is_large_enough(version, seed, height, width):
    words = np.array([[[3, 4], [15, 4], [15, 12], [3, 12]]], float)
    settings_ = RandomCrop(version=version)
    left, top, w, h = crop_window(np.random.default_rng(seed), (height, width), words, settings_, 64)
    for start, length, extent in ((left, w, width), (top, h, height)):
        if length <= extent:
            assert start >= -1e-9 and start + length <= extent + 1e-9
        else:
            assert start <= 1e-9 and start + length >= extent - 1e-9
    if version == "random_resize_crop_synth":
        assert w == h == min(height, width)
    if version == "random_resize_crop":
        assert w * h <= 0.4 * height * width * 1.001 or (w == width or h == height)
        assert 0.75 * 0.999 <= w / h <= 1.33 * 1.001
    if version == "random_crop":
        assert w == h == 64
    if version == "random_crop_with_bbox" and min(height, width) >= 64:
        assert left <= 3 and top <= 4 and left + w >= 15 and top + h >= 12


def test_crop_with_bbox_follows_each_word_and_ignores_dont_care():
    sample = dotted_sample(600, 800)
    sample.ignore[1:] = True
    augment = Augmentation(random_crop=RandomCrop(version="random_crop_with_bbox"))
    for seed in range(10):
        quads = transform_points(sample.word_quads, sample_matrix(np.random.default_rng(seed), sample, augment, 96))
        assert quads[0].min() >= -0.5 and quads[0].max() <= 95.5


def test_rnd_threshold_zero_takes_the_middle_square():
    rng = np.random.default_rng(0)
    window = crop_window(rng, (100, 160), np.zeros((0, 4, 2)), RandomCrop(rnd_threshold=0.0), 64)
    assert window == (30, 0, 100, 100)


def test_without_a_crop_the_image_is_fitted_and_padded():
    augment = Augmentation(random_crop=RandomCrop(option=False))
    sample = dotted_sample(100, 200)
    warped = warp_sample(sample, sample_matrix(np.random.default_rng(0), sample, augment, 100), 100)
    assert warped.image[51:].max() == 0 and warped.image[:50].max() > 0
    np.testing.assert_allclose(warped.char_quads[0].mean(0), [24.75, 19.75], atol=1e-4)


def test_the_matrix_is_what_cv2_resize_does():
    image = np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8)
    sample = TextSample("n", image)
    warped = warp_sample(sample, resize_matrix(2, 2), 120).image[:80]
    expected = cv2.resize(image, (120, 80), interpolation=cv2.INTER_LINEAR)
    inner = (slice(2, -2), slice(2, -2))
    assert np.abs(warped[inner].astype(int) - expected[inner].astype(int)).max() <= 2


def test_rotation_turns_counter_clockwise_as_seen():
    np.testing.assert_allclose(
        transform_points(np.array([[11.0, 10.0]]), rotation_matrix(np.pi / 2, (10, 10))), [[10, 9]], atol=1e-6
    )


def test_flip_is_off_by_default():
    assert not Augmentation().random_horizontal_flip.option


def test_shrinking_is_smoothed():
    """A one-pixel checkerboard shrunk by three turns grey instead of into a coarser pattern."""
    board = (np.indices((300, 300)).sum(0) % 2 * 255).astype(np.uint8)
    warped = warp_sample(TextSample("c", np.dstack([board] * 3)), resize_matrix(1 / 3, 1 / 3), 100)
    assert warped.image[5:-5, 5:-5].std() < 8


def test_color_changes_agree_with_torchvision():
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    import torch

    base = np.random.default_rng(2).integers(0, 255, (12, 16, 3), np.uint8)
    image = cv2.resize(base, (64, 48), interpolation=cv2.INTER_CUBIC)
    tensor = torch.from_numpy(image).permute(2, 0, 1)
    for ours, theirs, factor, tolerance in [
        (adjust_brightness, functional.adjust_brightness, 1.17, 1.0),
        (adjust_contrast, functional.adjust_contrast, 0.85, 1.0),
        (adjust_saturation, functional.adjust_saturation, 1.2, 1.5),
        (adjust_hue, functional.adjust_hue, -0.15, 3.0),
    ]:
        expected = theirs(tensor, factor).permute(1, 2, 0).numpy()
        difference = np.abs(ours(image, factor).astype(int) - expected.astype(int))
        assert difference.mean() < tolerance, ours.__name__


def test_jitter_of_zero_changes_nothing_and_the_seed_decides():
    image = np.random.default_rng(2).integers(0, 255, (32, 32, 3), np.uint8)
    still = RandomColorJitter(option=True, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
    assert np.abs(color_jitter(np.random.default_rng(0), image, still).astype(int) - image).max() <= 1
    jitter = RandomColorJitter(option=True)
    first, again, other = (color_jitter(np.random.default_rng(s), image, jitter) for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
