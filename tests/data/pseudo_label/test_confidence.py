"""Length confidence, equal splits, and the way back to the image."""

from __future__ import annotations

import numpy as np
import pytest

from data.pseudo_label.confidence import boxes_to_quads, count_characters, equal_boxes, judge, length_confidence


@pytest.mark.parametrize(
    ("expected", "found", "confidence"),
    [
        (5, 5, 1.0),
        (5, 4, 0.8),
        (5, 6, 0.8),
        (5, 0, 0.0),
        (5, 10, 0.0),
        (5, 99, 0.0),  # never negative
        (4, 2, 0.5),
        (4, 6, 0.5),
        (1, 1, 1.0),
        (1, 2, 0.0),
        (1, 0, 0.0),
        (3, 2, 2 / 3),
    ],
)
def test_length_confidence(expected, found, confidence):
    assert length_confidence(expected, found) == pytest.approx(confidence, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("word", 4),
        ("two words", 8),
        ("  a\tb\u3000c ", 3),
        ("", 0),
        ("   ", 0),
        ("e\u0301", 1),  # a letter and its accent
        ("漢字", 2),
        ("it's", 4),
    ],
)
def test_characters_are_counted_as_they_are_seen(text, count):
    assert count_characters(text) == count


def test_equal_boxes():
    np.testing.assert_allclose(
        equal_boxes(4, (32, 100), vertical=False),
        [[-0.5, -0.5, 24.5, 31.5], [24.5, -0.5, 49.5, 31.5], [49.5, -0.5, 74.5, 31.5], [74.5, -0.5, 99.5, 31.5]],
    )
    np.testing.assert_allclose(equal_boxes(2, (60, 20), True), [[-0.5, -0.5, 19.5, 29.5], [-0.5, 29.5, 19.5, 59.5]])


def test_words_at_half_or_less_are_split_and_others_kept():
    boxes_of_two = np.array([[0, 0, 10, 20], [10, 0, 30, 40]], np.float32)
    boxes, confidence, kept = judge(boxes_of_two, 3, (32, 90), vertical=False)
    assert kept and confidence == pytest.approx(2 / 3)
    # Kept boxes end at the edge of the crop.
    assert boxes.tolist() == [[0, 0, 10, 20], [10, 0, 30, 31.5]]
    boxes, confidence, kept = judge(boxes_of_two, 4, (32, 90), vertical=False)
    assert not kept and confidence == 0.5 and len(boxes) == 4
    _, confidence, kept = judge(boxes_of_two, 3, (32, 90), vertical=False, keep_above=0.99)
    assert not kept and confidence == 0.5
    assert judge(boxes_of_two, 2, (32, 90), vertical=False, keep_above=0.99)[1:] == (1.0, True)
    boxes, confidence, kept = judge(np.zeros((0, 4)), 1, (32, 90), vertical=False)
    assert not kept and confidence == 0.5 and boxes.tolist() == [[-0.5, -0.5, 89.5, 31.5]]


def test_boxes_go_back_through_a_homography():
    matrix = np.array([[2.0, 0, 7], [0, 3, -1], [0, 0, 1]])
    quads = boxes_to_quads(np.array([[1, 2, 4, 6]], np.float32), matrix)
    assert quads.tolist() == [[[9, 5], [15, 5], [15, 17], [9, 17]]]
    assert boxes_to_quads(np.zeros((0, 4)), matrix).shape == (0, 4, 2)
