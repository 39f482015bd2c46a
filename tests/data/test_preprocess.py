from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from data.preprocess import Preprocess
from data.sample import transform_points


def test_normalise_is_the_formula_for_every_value() -> None:
    values = np.arange(256, dtype=np.uint8)
    image = np.stack([values, values[::-1], np.roll(values, 7)], axis=-1).reshape(16, 16, 3)
    preprocess = Preprocess((0.1, 0.5, 0.9), (0.2, 0.3, 0.4))
    expected = (image / 255 - np.array([0.1, 0.5, 0.9])) / np.array([0.2, 0.3, 0.4])
    result = preprocess.normalise(image)
    assert result.dtype == np.float32
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, expected.transpose(2, 0, 1).astype(np.float32))


@pytest.mark.parametrize(
    ("size", "canvas", "mag", "fitted", "padded"),
    [
        ((720, 1280), 1280, 1.5, (720, 1280), (736, 1280)),  # the canvas forbids enlarging
        ((720, 1280), 2240, 1.75, (1260, 2240), (1280, 2240)),  # EasyOCR's setting for ICDAR 2015
        ((100, 200), 1280, 1.5, (150, 300), (160, 320)),
        ((3000, 1000), 960, 1.5, (960, 320), (960, 320)),  # shrunk
        ((1, 2000), 1000, 1.0, (1, 1000), (32, 1024)),  # a side never vanishes
        ((32, 64), 64, 1.0, (32, 64), (32, 64)),
    ],
)
def test_sizes(
    size: tuple[int, int], canvas: int, mag: float, fitted: tuple[int, int], padded: tuple[int, int]
) -> None:
    result = Preprocess().fit(np.full((*size, 3), 255, np.uint8), canvas, mag)
    assert result.pixels.shape == (3, *padded)
    assert result.pixels.dtype == np.float32
    height, width = fitted
    assert (result.pixels[:, :height, :width] > 1).all()  # white, normalised
    assert (result.pixels[:, height:] == 0).all()
    assert (result.pixels[:, :, width:] == 0).all()


@settings(max_examples=60, deadline=None)
@given(height=st.integers(10, 60), width=st.integers(10, 60), canvas=st.integers(32, 300), mag=st.floats(0.3, 4.0))
def test_matrix_says_where_the_resize_puts_things(height: int, width: int, canvas: int, mag: float) -> None:
    """A horizontal ramp tells its own coordinate: at x' the resized value must be that of matrix^-1(x')."""
    steepness = 255 // (width - 1)
    ramp = np.tile((steepness * np.arange(width)).astype(np.uint8)[None, :, None], (height, 1, 3))
    fitted = Preprocess((0, 0, 0), (1 / 255,) * 3).fit(ramp, canvas, mag)  # this mean and std leave 0..255
    scale, shift = fitted.matrix[0, 0], fitted.matrix[0, 2]
    back = (np.arange(round(width * scale)) - shift) / scale
    reach = max(1, 1 / scale)
    inside = (back >= reach) & (back <= width - 1 - reach)  # the border repeats its last pixel
    error = np.abs(fitted.pixels[0, 0, : len(back)] / steepness - back)[inside]
    # OpenCV's fixed-point weights are good to 3/4 of a level. An area average runs over the steps of the ramp: the
    # integral of their departure from the line is 1/8 at most.
    assert error.max(initial=0) <= 0.8 / steepness + (0.125 * scale if scale < 1 else 0)


def test_corners_map_to_corners() -> None:
    fitted = Preprocess().fit(np.zeros((100, 200, 3), np.uint8), 1280, 2.0)
    edges = np.array([[-0.5, -0.5], [199.5, 99.5]])  # outer edges of the first and last pixel
    np.testing.assert_allclose(transform_points(edges, fitted.matrix), [[-0.5, -0.5], [399.5, 199.5]], atol=1e-5)


def test_shrinking_does_not_alias() -> None:
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::2] = 255
    fitted = Preprocess((0, 0, 0), (1, 1, 1)).fit(stripes, 100, 1.0)
    shrunk = fitted.pixels[:, :100, :100]
    np.testing.assert_allclose(shrunk, 0.5, atol=0.01)
    naive = cv2.resize(stripes, (100, 100), interpolation=cv2.INTER_NEAREST)
    assert naive.mean() in (0, 255)  # every fourth column: all white or all black


def test_state_survives_json() -> None:
    preprocess = Preprocess([0.4, 0.5, 0.6], [0.2, 0.3, 0.4])
    again = Preprocess.from_state(json.loads(json.dumps(preprocess.state())))
    assert again == preprocess
    assert hash(again) == hash(preprocess)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        ((0, 0), (1, 1, 1), "mean must be three"),
        ((0, 0, float("nan")), (1, 1, 1), "mean must be three finite"),
        ((0, 0, 0), (1, 0, 1), "std must be positive"),
    ],
)
def test_nonsense_is_refused(mean: tuple, std: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Preprocess(mean, std)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_other_images_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a uint8"):
        Preprocess().normalise(image)


def test_a_batch_is_normalised_like_single_images() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), np.uint8)
    preprocess = Preprocess((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    batch = preprocess.normalise_batch(torch.from_numpy(images))
    assert batch.shape == (2, 3, 8, 12) and batch.is_contiguous(memory_format=torch.channels_last)
    for row, image in zip(batch.numpy(), images, strict=True):
        np.testing.assert_allclose(row, preprocess.normalise(image), atol=1e-6)
