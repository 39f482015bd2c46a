from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema.word_data import WordAugmentation
from data.order import position_rng
from data.recognition.augment import augmented, draw_matrix, draw_shifts, warp
from data.recognition.preprocess import WordPreprocess
from data.sample import transform_points

NAMES = list(WordAugmentation.model_fields)
ALL = WordAugmentation(**{name: {"probability": 1.0} for name in NAMES})


def word(height: int, width: int) -> np.ndarray:
    image = np.full((height, width, 3), (210, 190, 160), np.uint8)
    cv2.putText(image, "Word", (2, height * 3 // 4), cv2.FONT_HERSHEY_SIMPLEX, height / 40, (30, 50, 70), 2)
    return image


def only(name: str, **values) -> WordAugmentation:
    return WordAugmentation(**{name: {"probability": 1.0, **values}})


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(20, 61), (64, 10), (200, 1800), (5, 3), (40, 40)])
def test_without_changes_it_is_what_fit_returns(channels: int, size: tuple[int, int]) -> None:
    preprocess, image = WordPreprocess(channels=channels), word(*size)
    np.testing.assert_array_equal(
        augmented(image, preprocess, WordAugmentation(), position_rng(1, 2)), preprocess.fit(image)
    )


@settings(max_examples=60)
@given(
    height=st.integers(1, 150), width=st.integers(1, 500), channels=st.sampled_from([1, 3]), seed=st.integers(0, 99),
    mode=st.sampled_from([{}, {"pad_to": 300}, {"keep_ratio": False, "max_width": 100}, {"max_width": 90}]),
)  # fmt: skip
def test_everything_at_once_keeps_the_size(height: int, width: int, channels: int, seed: int, mode: dict) -> None:
    preprocess = WordPreprocess(height=32, channels=channels, **mode)
    image = word(height, width)
    result = augmented(image, preprocess, ALL, position_rng(seed, 5))
    assert result.dtype == np.uint8
    assert result.shape == (32, preprocess.input_width(height, width), channels)
    np.testing.assert_array_equal(result, augmented(image, preprocess, ALL, position_rng(seed, 5)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_each_change_does_something_and_is_off_by_default(name: str, channels: int) -> None:
    preprocess, image = WordPreprocess(channels=channels), word(48, 150)
    plain = preprocess.fit(image)
    results = [augmented(image, preprocess, only(name), position_rng(7, position)) for position in range(12)]
    assert sum(not np.array_equal(result, plain) for result in results) >= 10
    assert getattr(WordAugmentation(), name).probability == 0
    half = WordAugmentation(**{name: {"probability": 0.3}})
    changed = [
        not np.array_equal(augmented(image, preprocess, half, position_rng(7, p)), plain) for p in range(60)
    ]  # fmt: skip
    assert 5 <= sum(changed) <= 32


def test_the_image_given_is_not_written_to() -> None:
    for channels in (1, 3):
        image = word(64, 100)
        before = image.copy()
        augmented(image, WordPreprocess(channels=channels), ALL, position_rng(1, 1))
        np.testing.assert_array_equal(image, before)


@given(width=st.integers(8, 600), seed=st.integers(0, 999), name=st.sampled_from(["rotation", "shear", "perspective"]))
def test_nothing_is_cut_off_and_the_text_fills_the_picture(width: int, seed: int, name: str) -> None:
    strongest = {"rotation": {"max_angle": 45.0}, "shear": {"max_angle": 60.0}, "perspective": {"strength": 0.2}}
    matrix = draw_matrix((width, 64), only(name, **strongest[name]), position_rng(seed, 0))
    assert matrix is not None
    corners = transform_points(np.array([[0, 0], [width, 0], [width, 64], [0, 64]]) - 0.5, matrix)
    np.testing.assert_allclose(corners.min(axis=0), [-0.5, -0.5], atol=0.02)
    np.testing.assert_allclose(corners.max(axis=0), [width - 0.5, 63.5], atol=0.02)
    sides = np.roll(corners, -1, axis=0) - corners
    after = np.roll(sides, -1, axis=0)
    assert (sides[:, 0] * after[:, 1] - sides[:, 1] * after[:, 0] > 0).all()  # convex, not mirrored


def test_a_margin_is_the_closed_form() -> None:
    matrix = draw_matrix((100, 40), only("margin", range=[0.25, 0.25]), position_rng(1, 0))
    corners = transform_points(np.array([[-0.5, -0.5], [99.5, 39.5]]), matrix)
    # 10 pixels on every side: 120 x 60 become 100 x 40.
    np.testing.assert_allclose(corners + 0.5, [[10 / 1.2, 10 / 1.5], [110 / 1.2, 50 / 1.5]], atol=1e-4)


def test_long_words_are_turned_less() -> None:
    steepest = only("rotation", max_angle=45.0)
    for width in (640, 64):
        rises = []
        for seed in range(60):
            matrix = draw_matrix((width, 64), steepest, position_rng(seed, 0))
            ends = transform_points(np.array([[-0.5, 31.5], [width - 0.5, 31.5]]), matrix)
            rises.append(abs(ends[1, 1] - ends[0, 1]) / 64)
        assert 0.2 < max(rises) <= 0.5


def test_the_warp_moves_pixels_where_the_matrix_says() -> None:
    """A ramp tells its own coordinate, through one resampling from the picture's own size."""
    ramp = np.tile(np.arange(120, dtype=np.uint8)[None, :] * 2, (30, 1))
    for seed in range(5):
        changes = WordAugmentation(rotation={"probability": 1.0}, margin={"probability": 1.0})
        matrix = draw_matrix((240, 60), changes, position_rng(seed, 0))
        result = warp(ramp, (240, 60), changes, position_rng(seed, 0)).astype(float)
        points = np.stack(np.meshgrid(np.arange(240), np.arange(60)), axis=-1).reshape(-1, 2)
        source = transform_points(points, np.linalg.inv(matrix))[:, 0].reshape(60, 240)
        expected = np.clip(((source + 0.5) / 2 - 0.5) * 2, 0, 238)
        inside = (expected > 6) & (expected < 232)
        assert np.abs(result - expected)[inside].max() < 1.5


def test_shifts_are_as_strong_and_as_smooth_as_asked() -> None:
    fields = [
        draw_shifts((256, 64), only("elastic", strength=0.05, spacing=0.5), position_rng(seed, 0)) for seed in range(40)
    ]
    assert fields[0].shape == (64, 256, 2) and fields[0].dtype == np.float32
    deviation = float(np.std(np.stack(fields)))
    assert 0.6 * 3.2 < deviation < 3.2  # between the points of the grid it is less
    assert max(np.abs(np.diff(field, axis=1)).max() for field in fields) < 1
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :], (64, 1))
    moved = warp(ramp, (256, 64), only("elastic"), position_rng(3, 0)).astype(float)
    draws = position_rng(3, 0)
    draw_matrix((256, 64), only("elastic"), draws)
    field = draw_shifts((256, 64), only("elastic"), draws)
    expected = np.clip(np.arange(256) + field[..., 0], 0, 255)
    inside = (expected > 3) & (expected < 252)
    assert np.abs(moved - expected)[inside].max() < 1.5


def test_light_is_its_formula() -> None:
    preprocess = WordPreprocess(height=32)
    image = np.random.default_rng(0).integers(60, 200, (32, 100, 3), np.uint8)
    plain = preprocess.fit(image)
    inverted = augmented(image, preprocess, only("invert"), position_rng(1, 0))
    np.testing.assert_array_equal(inverted, 255 - plain)
    darker = augmented(image, preprocess, only("gamma", range=[2.0, 2.0]), position_rng(1, 0))
    np.testing.assert_allclose(darker, 255 * (plain / 255) ** 2, atol=0.51)
    offset = augmented(image, preprocess, only("brightness", range=[0.1, 0.1]), position_rng(1, 0))
    np.testing.assert_allclose(offset.astype(int), plain.astype(int) + 25.5, atol=0.51)


def test_grey_noise_has_the_deviation_asked_for() -> None:
    image = np.full((64, 400, 3), 128, np.uint8)
    for channels in (1, 3):
        settings = only("noise", range=[10.0, 10.0])
        noisy = augmented(image, WordPreprocess(channels=channels), settings, position_rng(1, 0)).astype(float) - 128
        assert abs(noisy.std() - 10) < 0.3 and abs(noisy.mean()) < 0.3


def test_padding_is_not_a_picture() -> None:
    settings = WordAugmentation(noise={"probability": 1.0}, blur={"probability": 1.0, "range": [0.05, 0.05]})
    result = augmented(word(64, 100), WordPreprocess(pad_to=300), settings, position_rng(1, 0))
    np.testing.assert_array_equal(result[:, 100:], np.repeat(result[:, 99:100], 200, axis=1))


@pytest.mark.parametrize(
    "values",
    [
        {"rotation": {"max_angle": 90}},
        {"perspective": {"strength": 0.3}},
        {"margin": {"range": [0.2, 0.1]}},
        {"jpeg": {"range": [0, 10]}},
        {"noise": {"probability": 1.5}},
        {"noize": {}},
    ],
)
def test_settings_out_of_bounds_are_refused(values: dict) -> None:
    with pytest.raises(ValueError):
        WordAugmentation(**values)
