"""Characters in painted region scores, where the truth is a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.schema.detection import DetectionData
from data.heatmap.targets import draw_targets
from data.pseudo_label.watershed import find_characters
from data.sample import TextSample

LEVELS = {"sure_fg_th": 0.75, "sure_bg_th": 0.05}


def blobs(centres, sigma, shape=(64, 256)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    region = np.zeros(shape, np.float32)
    for cx, cy in centres:
        np.maximum(region, np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2)), out=region)
    return region


def middles(boxes):
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2], axis=1)


@pytest.mark.parametrize("number", [1, 2, 3, 5, 7])
def test_separated_gaussians_have_a_box_each(number):
    """Map pixel j is centred at 2j + 0.5 of the crop; a Gaussian falls to 0.05 at sqrt(2 ln 20) = 2.448 sigma."""
    centres = [(18 + 33 * k, 31) for k in range(number)]
    boxes = find_characters(blobs(centres, 5.0), **LEVELS)
    np.testing.assert_allclose(middles(boxes), 2 * np.array(centres) + 0.5, atol=1)
    np.testing.assert_allclose(boxes[:, 2] - boxes[:, 0], 2 * (2 * np.floor(2.448 * 5) + 1))
    np.testing.assert_allclose(boxes[:, 3] - boxes[:, 1], 2 * (2 * np.floor(2.448 * 5) + 1))


def test_touching_gaussians_are_parted_half_way():
    """Two centres 20 apart with sigma 7 overlap above 0.05; the ridge between them lies at their middle, 2*50 + 0.5."""
    boxes = find_characters(blobs([(40, 31), (60, 31)], 7.0), **LEVELS)
    assert len(boxes) == 2
    assert abs(boxes[0, 2] - 100.5) <= 2 and abs(boxes[1, 0] - 100.5) <= 2


@given(st.integers(1, 6), st.floats(4, 7), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_centres_are_right_within_a_pixel_wherever_they_lie(number, sigma, shift_x, shift_y):
    centres = np.array([(20 + 36 * k + shift_x, 30 + shift_y) for k in range(number)])
    boxes = find_characters(blobs(centres, sigma), **LEVELS)
    np.testing.assert_allclose(middles(boxes), 2 * centres + 0.5, atol=1.01)


def test_gaussians_of_the_training_targets_come_back():
    """At the level that a training target has at its character's edge, exp(-(100 / 1.5 / 40)^2 / 2) = 0.2494."""
    quads = np.array(
        [[[x, 40], [x + 24, 40], [x + 24, 72], [x, 72]] for x in (16, 40, 64, 88, 130)],
        np.float32,
    )
    words = np.zeros(5, np.int64)
    sample = TextSample("a", np.zeros((128, 192, 3), np.uint8), ["hello"], quads[:1], np.zeros(1, bool), quads, words)
    region = draw_targets(sample, DetectionData()).region
    boxes = find_characters(region, sure_fg_th=0.75, sure_bg_th=0.2494)
    np.testing.assert_allclose(boxes, np.concatenate([quads[:, 0], quads[:, 2]], axis=1), atol=2)


def test_vertical_words_are_ordered_downwards():
    centres = [(31, 200), (33, 40), (29, 120)]
    boxes = find_characters(blobs(centres, 9.0, (256, 64)), **LEVELS, vertical=True)
    np.testing.assert_allclose(middles(boxes)[:, 1], [80.5, 240.5, 400.5], atol=1)
    across = find_characters(blobs(centres, 9.0, (256, 64)), **LEVELS)
    np.testing.assert_allclose(middles(across)[:, 0], [58.5, 62.5, 66.5], atol=1)


def test_the_thresholds_are_those_given():
    """A peak of 0.6 is a character for a threshold of 0.5 and none for the published 0.75."""
    faint = 0.6 * blobs([(40, 31)], 8.0)
    assert len(find_characters(faint, **LEVELS)) == 0
    wide = find_characters(faint, sure_fg_th=0.5, sure_bg_th=0.05)
    narrow = find_characters(faint, sure_fg_th=0.5, sure_bg_th=0.3)
    assert wide[0, 2] - wide[0, 0] > narrow[0, 2] - narrow[0, 0]


@pytest.mark.parametrize(
    "region",
    [
        np.zeros((64, 100), np.float32),
        np.full((64, 100), np.nan, np.float32),
        np.full((64, 100), -3, np.float32),
        np.random.default_rng(0).uniform(0, 0.7, (64, 100)).astype(np.float32),
        np.zeros((1, 1), np.float32),
    ],
)
def test_nothing_is_found_where_nothing_is(region):
    assert find_characters(region, **LEVELS).shape == (0, 4)


def test_a_score_above_the_threshold_everywhere_is_one_character():
    boxes = find_characters(np.full((20, 30), 5.0, np.float32), **LEVELS)
    assert boxes.tolist() == [[-0.5, -0.5, 59.5, 39.5]]


def test_noise_gives_boxes_within_the_map():
    region = np.random.default_rng(1).uniform(0, 1, (64, 90)).astype(np.float32)
    boxes = find_characters(region, **LEVELS)
    assert len(boxes) > 1 and np.isfinite(boxes).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all() and boxes.min() >= -0.5 and boxes.max() <= 179.5
