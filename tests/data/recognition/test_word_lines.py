"""Joining words to lines, and cutting them out, against pictures whose pixels are known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.recognition.cutting import cut_out, cut_size, cuts_of
from data.recognition.lines import join_lines, line_quad, line_text
from data.sample import TextSample, transform_points


def box(left: float, top: float, width: float, height: float = 10) -> np.ndarray:
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)


def rows(*lines: tuple[float, list[float]]) -> np.ndarray:
    """Return boxes of lines given as (top, widths), words parted by 4 pixels."""
    quads = []
    for top, widths in lines:
        left = 5.0
        for width in widths:
            quads.append(box(left, top, width))
            left += width + 4
    return np.stack(quads)


def sample(words: list[str], quads: np.ndarray, ignore: list[bool] | None = None) -> TextSample:
    return TextSample("x", np.zeros((0, 0, 3), np.uint8), words, quads, np.array(ignore or [False] * len(words)))


TWO = rows((0, [30, 20, 40]), (15, [20, 30]))


@given(st.permutations(range(5)), st.floats(-3.1, 3.1), st.floats(0.3, 30))
def test_lines_do_not_depend_on_order_angle_or_size(order: list[int], angle: float, scale: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle), 3], [np.sin(angle), np.cos(angle), -4], [0, 0, 1 / scale]])
    quads = transform_points(TWO, turn)[list(order)]
    lines = [[order[word] for word in line] for line in join_lines(quads, [False] * 5)]
    assert sorted(lines) == [[0, 1, 2], [3, 4]]


def test_words_nobody_can_read_end_a_line() -> None:
    assert join_lines(TWO, [False, True, False, False, False]) == [[0], [2], [3, 4]]
    assert join_lines(TWO, [True] * 5) == []
    assert join_lines(np.zeros((0, 4, 2)), []) == []


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        (box(34, 0, 20), True),
        (box(44.5, 0, 20), False),  # a gap of more than nine tenths of the height
        (box(28, 0, 20), True),  # boxes may overlap a little
        (box(20, 0, 20), False),
        (box(34, 3, 20), True),
        (box(34, 6, 20), False),  # higher or lower
        (box(34, 2.5, 20, 6), False),  # much smaller
        (box(34, 1, 20, 8), True),
        (box(34, 40, 20), False),
    ],
)
def test_what_follows_a_word(other: np.ndarray, joined: bool) -> None:
    assert join_lines(np.stack([box(0, 0, 30), other]), [False, False]) == ([[0, 1]] if joined else [[0], [1]])


def test_the_nearest_word_follows() -> None:
    quads = np.stack([box(0, 0, 30), box(38, 0, 20), box(33, 0, 20)])
    assert join_lines(quads, [False] * 3) == [[0, 2], [1]]


def test_words_in_a_ring_end_somewhere() -> None:
    angles = np.arange(20) * 2 * np.pi / 20
    matrices = [
        np.array([[np.cos(a), -np.sin(a), 50 * np.sin(a)], [np.sin(a), np.cos(a), -50 * np.cos(a)], [0, 0, 1]])
        for a in angles
    ]
    quads = np.stack([transform_points(box(-6, -5, 12), matrix) for matrix in matrices])
    lines = join_lines(quads, [False] * 20)
    assert sorted(word for line in lines for word in line) == list(range(20))


def test_a_lines_quad_holds_its_words_in_reading_order() -> None:
    np.testing.assert_allclose(line_quad(TWO[:3]), [[5, 0], [103, 0], [103, 10], [5, 10]], atol=1e-4)
    np.testing.assert_array_equal(line_quad(TWO[:1]), TWO[0])
    down = transform_points(TWO[:3], np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]))
    np.testing.assert_allclose(line_quad(down), [[0, 5], [0, 103], [-10, 103], [-10, 5]], atol=1e-4)
    upside = transform_points(TWO[:3], np.array([[-1, 0, 0], [0, -1, 0], [0, 0, 1.0]]))
    np.testing.assert_allclose(line_quad(upside), [[-5, 0], [-103, 0], [-103, -10], [-5, -10]], atol=1e-4)


def test_text_that_runs_to_the_left_is_joined_in_the_order_of_reading() -> None:
    assert line_text(["one", "two"]) == "one two"
    assert line_text(["עולם", "שלום"]) == "שלום עולם"
    assert line_text(["العالم", "12", "مرحبا"]) == "مرحبا 12 العالم"


def test_words_are_left_out_with_their_reasons() -> None:
    quads = np.stack([
        box(0, 0, 30), box(0, 20, 30), box(0, 40, 30), box(5, 5, 0.01), box(0, 60, 30), box(0, 80, 30, 3),
        box(50, 0, 10, 60), [[0, 0], [10, 10], [10, 0], [0, 10]], np.full((4, 2), np.nan),
    ]).astype(np.float32)  # fmt: skip
    words = ["good", "###", "", "thin", "long word", "low", "DOWN", "cross", "nan"]
    image = sample(words, quads, [False, True, *[False] * 7])
    cuts, out = cuts_of(image, "word", "drop", 4, 8)
    assert [cut.text for cut in cuts] == ["good"]
    assert sorted(out, key=lambda item: item[1]) == [
        ("don't care", 1), ("word: its label is empty", 2), ("word: zero or near-zero area", 3),
        ("longer than `max_length`", 4), ("lower than `min_height`", 5), ("written downwards", 6),
        ("word: sides cross", 7), ("word: a coordinate is not finite", 8),
    ]  # fmt: skip
    assert [cut.text for cut in cuts_of(image, "word")[0]] == ["good", "long word", "low", "DOWN"]
    assert [cut.vertical for cut in cuts_of(image, "word")[0]] == [False, False, False, True]
    assert not any(cut.vertical for cut in cuts_of(image, "word", "keep")[0])


def test_lines_are_parted_between_words_where_they_are_too_long() -> None:
    image = sample(["WHY", "PAY", "FOR", "you", "can"], TWO)
    assert [cut.text for cut in cuts_of(image, "line")[0]] == ["WHY PAY FOR", "you can"]
    assert [cut.text for cut in cuts_of(image, "line", max_length=11)[0]] == ["WHY PAY FOR", "you can"]
    cuts, out = cuts_of(image, "line", max_length=7)
    assert [cut.text for cut in cuts] == ["WHY PAY", "FOR", "you can"] and not out
    np.testing.assert_allclose(cuts[0].quad, line_quad(TWO[:2]))
    assert [cut.text for cut in cuts_of(image, "line", max_length=3)[0]] == image.words
    ignored = sample(image.words, TWO, [False, True, False, False, False])
    assert [cut.text for cut in cuts_of(ignored, "line")[0]] == ["WHY", "FOR", "you can"]


def test_an_upright_box_is_cut_out_pixel_by_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    quad = box(9.5, 4.5, 30, 12)  # edges of pixels
    np.testing.assert_array_equal(cut_out(image, quad), image[5:17, 10:40])
    np.testing.assert_array_equal(cut_out(image, quad, margin=0.25), image[2:20, 7:43])
    assert cut_size(quad) == (12, 30) and cut_size(quad, margin=0.25) == (18, 36)
    turned = cut_out(image, box(9.5, 4.5, 12, 30), vertical=True)
    np.testing.assert_array_equal(turned, np.rot90(image[5:35, 10:22]))
    assert cut_size(box(9.5, 4.5, 12, 30), vertical=True) == (12, 30) == turned.shape[:2]
    assert cut_size(box(9.5, 4.5, 12, 30), vertical=True, margin=0.25) == (18, 36)


def test_a_tilted_word_is_made_straight() -> None:
    flat = cv2.resize(
        np.random.default_rng(0).integers(0, 256, (6, 20, 3), np.uint8), (200, 60), interpolation=cv2.INTER_CUBIC
    )
    quad = np.array([[30, 50], [200, 20], [210, 110], [40, 100]], np.float32)
    edges = np.array([[0, 0], [200, 0], [200, 60], [0, 60]], np.float32) - 0.5
    photo = cv2.warpPerspective(flat, cv2.getPerspectiveTransform(edges, quad), (256, 160), flags=cv2.INTER_CUBIC)
    crop = cut_out(photo, quad)
    assert crop.shape[:2] == cut_size(quad)
    again = cv2.resize(crop, (200, 60), interpolation=cv2.INTER_CUBIC)
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(again[inner].astype(int) - flat[inner].astype(int)).mean() < 4


def test_what_lies_outside_the_image_continues_its_edge() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 0] = (10, 20, 30)
    crop = cut_out(image, box(-10.5, 4.5, 20, 10))
    assert (crop[:, :10] == (10, 20, 30)).all() and (crop[:, 11:] == 0).all()
