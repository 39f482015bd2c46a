from __future__ import annotations

import json
import math

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from config.schema.word_data import WordData
from data.recognition.preprocess import WordPreprocess, stretch_contrast


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize(
    ("size", "settings", "resized", "fitted"),
    [
        ((32, 100), {}, 200, 200),
        ((31, 100), {}, 207, 208),  # 206.45 is rounded up, as EasyOCR does, and padded to a multiple of 4
        ((31, 100), {"width_multiple": 1}, 207, 207),
        ((64, 601), {"max_width": 598}, 598, 600),
        ((64, 601), {}, 600, 600),  # squeezed
        ((64, 5), {}, 5, 16),  # padded to the least width
        ((1000, 3), {}, 1, 16),
        ((32, 100), {"pad_to": 600}, 200, 600),
        ((64, 700), {"pad_to": 600}, 600, 600),
        ((64, 700), {"pad_to": 400}, 400, 400),
        ((64, 500), {"pad_to": 700, "max_width": 450}, 450, 700),
        ((32, 100), {"keep_ratio": False, "max_width": 100}, 100, 100),
        ((64, 10), {"keep_ratio": False, "max_width": 100}, 100, 100),
        ((100, 100), {"height": 32, "channels": 3}, 32, 32),
    ],
)
def test_widths(size: tuple[int, int], settings: dict, resized: int, fitted: int) -> None:
    preprocess = WordPreprocess(**settings)
    channels, height = preprocess.channels, preprocess.height
    assert preprocess.resize(picture(*size)).shape == (height, resized, channels)
    result = preprocess.fit(picture(*size))
    assert result.shape == (height, fitted, channels) and result.dtype == np.uint8
    assert preprocess.input_width(*size) == fitted
    assert type(preprocess.input_width(*size)) is int
    arrays = preprocess.input_width(np.array([size[0]] * 3), np.array([size[1]] * 3))
    assert arrays.tolist() == [fitted] * 3


@given(height=st.integers(1, 3000), width=st.integers(1, 20000), target=st.integers(8, 128), most=st.integers(16, 900))
def test_the_width_is_the_exact_ratio_rounded_up(height: int, width: int, target: int, most: int) -> None:
    preprocess = WordPreprocess(height=target, max_width=most, min_width=1, width_multiple=5)
    natural = next(w for w in range(max(1, target * width // height - 1), 10**7) if w * height >= target * width)
    assert preprocess.natural_width(height, width) == natural
    assert preprocess.resized_width(height, width) == min(natural, most)
    assert 0 <= preprocess.input_width(height, width) - min(natural, most) < 5
    assert preprocess.input_width(height, width) % 5 == 0
    assert preprocess.is_squeezed(height, width) == (natural > most)
    assert abs(natural - math.ceil(target * (width / height))) <= 1  # EasyOCR's formula, in floats


def test_the_last_column_is_repeated_or_a_grey_is_used() -> None:
    image = picture(64, 40)
    for padding, channels in (("edge", 1), ("edge", 3), ("mean", 1), ("mean", 3)):
        preprocess = WordPreprocess(padding=padding, channels=channels, pad_to=100, mean=(0.4,))
        resized, fitted = preprocess.resize(image), preprocess.fit(image)
        np.testing.assert_array_equal(fitted[:, :40], resized)
        expected = resized[:, 39:40] if padding == "edge" else np.full_like(resized[:, :1], 102)
        np.testing.assert_array_equal(fitted[:, 40:], np.repeat(expected, 60, axis=1))


def test_a_batch_is_as_wide_as_its_longest() -> None:
    preprocess = WordPreprocess(width_multiple=8)
    images = [preprocess.fit(picture(64, width, width)) for width in (90, 5, 141)]
    joined, widths = preprocess.join(images)
    assert joined.shape == (3, 64, 144, 1) and joined.dtype == torch.uint8
    assert widths.tolist() == [96, 16, 144] and widths.dtype == torch.int64
    for image, row in zip(images, joined.numpy(), strict=True):
        np.testing.assert_array_equal(row[:, : image.shape[1]], image)
        np.testing.assert_array_equal(row[:, image.shape[1] :], np.repeat(image[:, -1:], 144 - image.shape[1], axis=1))


@pytest.mark.parametrize("settings", [{"pad_to": 602}, {"keep_ratio": False, "max_width": 602}])
def test_widths_that_are_all_alike_are_not_rounded(settings: dict) -> None:
    preprocess = WordPreprocess(**settings)
    joined, widths = preprocess.join([preprocess.fit(picture(64, width)) for width in (90, 141)])
    assert joined.shape == (2, 64, 602, 1)
    assert widths.tolist() == [602, 602]  # all of it is read, as EasyOCR does


def test_normalised_values_are_the_formula() -> None:
    images = torch.arange(256, dtype=torch.uint8).reshape(1, 4, 64, 1)
    result = WordPreprocess().normalise_batch(images)
    assert result.shape == (1, 1, 4, 64) and result.dtype == torch.float32
    expected = (np.arange(256) / 255 - 0.5) / 0.5
    np.testing.assert_allclose(result.numpy().ravel(), expected, atol=1e-6)
    assert result.min() == -1 and result.max() == 1
    colour = WordPreprocess(channels=3, mean=(0.1, 0.2, 0.3), std=(1, 0.5, 0.25))
    values = colour.normalise_batch(torch.full((2, 8, 16, 3), 255, dtype=torch.uint8))
    np.testing.assert_allclose(values[1, :, 3, 5].numpy(), [0.9, 1.6, 2.8], atol=1e-6)


def test_grey_is_the_luminance_of_rec_601() -> None:
    image = np.zeros((64, 16, 3), np.uint8)
    image[:] = (200, 100, 50)
    assert np.unique(WordPreprocess().fit(image)).tolist() == [round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)]


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((128, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(WordPreprocess().fit(stripes).astype(int) - 127.5).max() <= 0.5
    squeezed = WordPreprocess(max_width=100).fit(stripes[:32])  # higher, and narrower
    assert squeezed.shape == (64, 100, 1) and np.abs(squeezed.astype(int) - 127.5).max() <= 0.5


def test_state_survives_json() -> None:
    settings = WordData(channels=3, mean=[0.4, 0.5, 0.6], std=[0.2], pad_to=500, padding="mean", contrast_adjust=0.5)
    preprocess = WordPreprocess.of(settings)
    again = WordPreprocess.from_state(json.loads(json.dumps(preprocess.state())))
    assert again == preprocess and hash(again) == hash(preprocess)
    assert (again.pad_to, again.padding, again.std) == (500, "mean", (0.2, 0.2, 0.2))


def test_defaults_of_schema_and_object_agree() -> None:
    assert WordPreprocess.of(WordData()) == WordPreprocess()


def test_weak_contrast_is_stretched_by_the_published_formula() -> None:
    grey = np.random.default_rng(0).integers(100, 130, (32, 60), np.uint8)
    low, high = np.percentile(grey, (10, 90))
    expected = np.clip((grey.astype(float) - low + 25) * 200 / (high - low), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(stretch_contrast(grey, 0.4), expected)
    np.testing.assert_array_equal(stretch_contrast(grey, 0.01), grey)
    even = np.full((20, 30, 3), 90, np.uint8)
    assert stretch_contrast(even, 0.5).shape == (20, 30, 3)  # nothing to divide by
    colour = np.repeat(grey[..., None], 3, axis=2)
    np.testing.assert_array_equal(WordPreprocess(height=32, contrast_adjust=0.4).fit(colour)[..., 0], expected)


@pytest.mark.parametrize(
    "values",
    [
        {"channels": 2},
        {"min_width": 700},
        {"pad_to": 100, "keep_ratio": False},
        {"padding": "zero"},
        {"mean": (0.5, 0.5)},
        {"std": (0.0,)},
        {"height": 0},
        {"mean": (float("nan"),)},
    ],
)
def test_nonsense_is_refused(values: dict) -> None:
    with pytest.raises(ValueError):
        WordPreprocess(**values)


@pytest.mark.parametrize(
    "values", [{"min_width": 700}, {"pad_to": 100, "keep_ratio": False}, {"mean": [0.1, 0.2]}, {"std": [0.0]}]
)
def test_nonsense_in_settings_is_refused(values: dict) -> None:
    with pytest.raises(ValueError):
        WordData(**values)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a uint8"):
        WordPreprocess().fit(image)
