"""Words cut out of pictures of coordinates, and quads that cannot be cut out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.pseudo_label.crops import crop_layout, cut_word, is_vertical, word_faults
from data.pseudo_label.records import WordKind
from data.sample import transform_points

FILL = (124.0, 116.0, 104.0)
Y, X = np.mgrid[:240, :240]
PLACES = np.stack([X, Y, np.full_like(X, 128)], axis=2).astype(np.uint8)
"""Red tells a pixel's x, green its y."""


def box(left, top, width, height):
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)


@pytest.mark.parametrize(
    "quad",
    [
        box(40, 60, 100, 25),
        np.array([[40, 100], [140, 60], [150, 90], [50, 130]], np.float32),
        np.array([[60, 60], [180, 80], [175, 130], [55, 90]], np.float32),
        np.array([[180, 120], [60, 118], [62, 80], [182, 85]], np.float32),  # upside down
    ],
)
@pytest.mark.parametrize(("height", "margin"), [(64, 0.0), (96, 1.0), (32, 0.0), (32, 0.25)])
def test_pixels_are_those_that_the_matrix_points_at(quad, height, margin):
    crop = cut_word(PLACES, quad, vertical=False, crop_height=height, margin=margin, fill=FILL)
    rows, columns = np.mgrid[2 : crop.pixels.shape[0] - 2 : 5, 2 : crop.pixels.shape[1] - 2 : 5]
    places = transform_points(np.stack([columns, rows], axis=-1), crop.matrix)
    inside = ((places > 1) & (places < 238)).all(axis=-1)
    np.testing.assert_allclose(crop.pixels[rows, columns][..., :2][inside], places[inside], atol=1.2)
    top, left = crop.border, crop.border
    height, width = crop.word_shape
    corners = np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]]) - 0.5
    np.testing.assert_allclose(transform_points(corners, crop.matrix), quad, atol=1e-3)


def test_the_crop_has_the_configured_height_and_the_words_aspect_ratio():
    assert crop_layout(box(0, 0, 100, 25), False, 128, 0.0) == (0, (128, 512))
    assert crop_layout(box(0, 0, 25, 100), True, 128, 0.0) == (0, (512, 128))
    # 96 pixels are 32 of word and 32 of surroundings on either side.
    assert crop_layout(box(0, 0, 100, 25), False, 96, 1.0) == (32, (32, 128))
    # An endless line is shown smaller instead of taking endless memory, and keeps its shape.
    assert crop_layout(box(0, 0, 6400, 10), False, 128, 0.0) == (0, (6, 4096))


def test_large_words_are_averaged_and_not_sampled():
    """Stripes of one pixel turn grey when four pixels become one; a sampled crop would keep black and white."""
    stripes = np.repeat(np.where(X % 2, 255, 0)[..., None], 3, axis=2).astype(np.uint8)
    crop = cut_word(stripes, box(8, 8, 220, 200), vertical=False, crop_height=32, margin=0.0, fill=FILL)
    assert abs(crop.pixels.astype(int) - 127).max() <= 16


def test_beyond_the_image_is_the_mean_colour():
    crop = cut_word(PLACES, box(-60, 20, 120, 30), vertical=False, crop_height=32, margin=0.0, fill=FILL)
    assert (crop.pixels[:, :60] == (124, 116, 104)).all()


@pytest.mark.parametrize(
    ("width", "height", "characters", "vertical"),
    [
        (20, 41, 4, True),  # more than twice as high as wide
        (20, 40, 2, False),
        (20, 36, 5, True),  # 1.8 times, and 20 / (36 / 5) = 2.8 characters' lengths wide
        (20, 36, 4, False),  # 2.2
        (20, 31, 9, False),  # less than 1.6 times
        (10, 60, 1, False),  # a single "I"
        (100, 20, 5, False),
    ],
)
def test_vertical_words(width, height, characters, vertical):
    assert is_vertical(box(0, 0, width, height), characters) is vertical


def test_a_word_that_is_turned_is_not_vertical():
    turned = np.array([[100, 10], [100, 110], [80, 110], [80, 10]], np.float32)
    assert not is_vertical(turned, 5)


@pytest.mark.parametrize(
    ("quad", "kind"),
    [
        (box(10, 10, 50, 20), 0),
        (box(200, 200, 500, 200), 0),  # partly outside
        (box(10, 10, 50, 0), WordKind.ZERO_AREA),
        (box(10, 10, 0, 0), WordKind.ZERO_AREA),
        (np.array([[0, 0], [50, 20], [50, 0], [0, 20]]), WordKind.CROSSING),
        (np.array([[0, 0], [50, 0], [np.nan, 20], [0, 20]]), WordKind.NOT_FINITE),
        (np.array([[0, 0], [50, 0], [10, 8], [0, 50]]), WordKind.NOT_CONVEX),
        (np.array([[0, 0], [50, 0], [25, 25], [0, 50]]), WordKind.NOT_CONVEX),  # a triangle
        (box(300, 10, 50, 20), WordKind.OUTSIDE),
        (box(-90, 10, 50, 20), WordKind.OUTSIDE),
        (box(10, 400, 50, 20), WordKind.OUTSIDE),
    ],
)
def test_faults_are_named(quad, kind):
    assert word_faults(np.asarray(quad, np.float32)[None], 240, 240).tolist() == [kind]


def test_faults_of_many_quads_are_those_of_each():
    quads = np.stack([box(10, 10, 50, 0), box(1, 1, 5, 5), box(300, 0, 5, 5)])
    assert word_faults(quads, 240, 240).tolist() == [WordKind.ZERO_AREA, 0, WordKind.OUTSIDE]
    assert word_faults(np.zeros((0, 4, 2)), 240, 240).shape == (0,)


@given(
    st.lists(st.floats(-300, 600, width=32), min_size=8, max_size=8),
    st.booleans(),
    st.sampled_from([0.0, 0.5, 2.0]),
)
@settings(max_examples=150, deadline=None)
def test_every_quad_is_cut_or_refused(numbers, vertical, margin):
    quad = np.array(numbers, np.float32).reshape(4, 2)
    if word_faults(quad[None], 240, 240)[0]:
        return
    crop = cut_word(PLACES, quad, vertical=vertical, crop_height=32, margin=margin, fill=FILL)
    assert np.isfinite(crop.matrix).all() and min(crop.word_shape) >= 1
    assert crop.pixels.size <= 3 * (32 + 2) * (32 * 32 + 128)
