"""Affinity quads and the confidence mask."""

from __future__ import annotations

import numpy as np
import pytest

from config.schema.detection import DetectionData
from data.heatmap.affinity import affinity_quads
from data.heatmap.targets import draw_targets
from data.sample import TextSample, transform_points


def box(left, top, width, height):
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], float)


def sample_of(char_quads, char_words, words=1, ignore=(), size=(128, 160)):
    char_quads = np.asarray(char_quads, np.float32).reshape(-1, 4, 2)
    char_words = np.asarray(char_words, np.int64)
    quads = np.zeros((words, 4, 2), np.float32)
    for word in range(words):
        points = char_quads[char_words == word].reshape(-1, 2)
        if len(points):
            low, high = points.min(0), points.max(0)
            quads[word] = box(*low, *(high - low))
    flags = np.array([word in ignore for word in range(words)])
    image = np.zeros((*size, 3), np.uint8)
    return TextSample("t", image, ["x"] * words, quads, flags, char_quads, char_words)


def test_horizontal_affinity_in_closed_form():
    """Boxes 12x18 side by side: the centroid of the upper triangle lies a third of the half height below the top."""
    quads, vertical = affinity_quads(np.stack([box(0, 0, 12, 18), box(12, 0, 12, 18)]), np.array([0, 0]))
    np.testing.assert_allclose(quads[0], [[6, 3], [18, 3], [18, 15], [6, 15]], atol=1e-5)
    assert not vertical[0]


def test_vertical_affinity_in_closed_form():
    """Boxes 12x18 on top of each other are joined by the left and right triangles."""
    quads, vertical = affinity_quads(np.stack([box(0, 0, 12, 18), box(0, 18, 12, 18)]), np.array([0, 0]))
    np.testing.assert_allclose(quads[0], [[2, 9], [10, 9], [10, 27], [2, 27]], atol=1e-5)
    assert vertical[0]


def test_a_turned_horizontal_word_is_still_horizontal():
    turn = np.array([[0, -1, 100], [1, 0, 0], [0, 0, 1.0]])
    chars = np.stack([box(12 * k, 0, 12, 18) for k in range(3)])
    straight, _ = affinity_quads(chars, np.zeros(3, int))
    turned, vertical = affinity_quads(transform_points(chars, turn), np.zeros(3, int))
    assert not vertical.any()
    np.testing.assert_allclose(turned, transform_points(straight, turn), atol=1e-4)


def test_affinity_stays_inside_a_word():
    chars = np.stack([box(12 * k, 0, 12, 18) for k in range(5)])
    quads, _ = affinity_quads(chars, np.array([0, 0, 1, 2, 2]))
    assert quads[:, 0, 0].tolist() == [6.0, 42.0]
    assert affinity_quads(np.zeros((0, 4, 2)), np.zeros(0, int))[0].shape == (0, 4, 2)


@pytest.mark.parametrize("vertical", [False, True])
def test_affinity_peaks_between_the_characters(vertical):
    """Map coordinates are half the image's: characters meet at image coordinate 60, that is map 29.75."""
    step = (0, 30) if vertical else (30, 0)
    chars = [box(30 + step[0] * k, 30 + step[1] * k, 30, 30) for k in range(2)]
    targets = draw_targets(sample_of(chars, [0, 0]), DetectionData())
    y, x = np.unravel_index(targets.affinity.argmax(), targets.affinity.shape)
    meeting, middle = 29.75, 22.25
    expected = (middle, meeting) if vertical else (meeting, middle)
    assert abs(x - expected[0]) <= 0.5 and abs(y - expected[1]) <= 0.5
    assert targets.region.max() > 0.95 and targets.region.shape == (64, 80)


def test_enlargement_follows_the_reading_direction():
    """[0.5, 0] widens a horizontal word's characters along x, and those of a vertical word along y."""
    settings = DetectionData(enlarge_region=[0.5, 0.0])
    across = draw_targets(sample_of([box(30, 30, 20, 20), box(50, 30, 20, 20)], [0, 0]), settings).region > 0
    down = draw_targets(sample_of([box(30, 30, 20, 20), box(30, 50, 20, 20)], [0, 0]), settings).region > 0
    assert across.any(axis=1).sum() == 10 and across.any(axis=0).sum() == 25
    assert down.any(axis=0).sum() == 10 and down.any(axis=1).sum() == 25


def test_mask_hides_ignored_words_and_words_without_characters():
    sample = sample_of([box(20, 20, 20, 20), box(100, 60, 20, 20)], [0, 1], words=3, ignore=(1,))
    sample.word_quads[2] = box(60, 90, 30, 20)
    targets = draw_targets(sample, DetectionData())
    assert targets.mask[15, 15] == 1 and targets.region[15, 15] > 0.5
    assert targets.mask[34, 54] == 0 and targets.region[34, 54] == 0
    assert targets.mask[50, 37] == 0
    assert set(np.unique(targets.mask)) == {0.0, 1.0}


def test_quads_far_outside_or_broken_do_not_crash_the_mask():
    sample = sample_of([], [], words=3, ignore=(0, 1, 2))
    sample.word_quads[0] = box(1e8, 1e8, 10, 10)
    sample.word_quads[1] = np.nan
    sample.word_quads[2] = box(-50, -50, 1e7, 70)
    targets = draw_targets(sample, DetectionData())
    assert targets.mask[:9].sum() == 0 and targets.mask[12:].min() == 1
    assert targets.region.sum() == 0
