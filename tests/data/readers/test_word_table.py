from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.reader import DropReport
from data.readers.outlines import reading_rectangle
from data.readers.word_builder import WordBuilder
from data.sample import TextSample

BOX = np.array([[0, 0], [8, 0], [8, 4], [0, 4]], np.float64)
ROUND = np.array([[0, 0], [4, -1], [8, 0], [8, 4], [4, 3], [0, 4]], np.float64)


def flat(points):
    return np.asarray(points, float).reshape(-1).tolist()


words = st.tuples(
    st.text("ab \u00e9#", max_size=4), st.booleans(), st.integers(0, 50), st.sampled_from(["none", "true", "false"])
)
images = st.lists(st.lists(words, max_size=4), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(images, st.data())
def test_columns_hold_what_lists_would(content, data):
    report = DropReport()
    builder = WordBuilder(report, ["#", ""])
    expected = []
    for index, listed in enumerate(content):
        outlines = []
        for text, curved, shift, boxes in listed:
            points = (ROUND if curved else BOX) + shift
            count = len(text.replace(" ", "")) + (boxes == "false")
            chars = [BOX / 8 + shift + k for k in range(count)] if boxes != "none" else []
            builder.word("f", 1, flat(points), text, False, [flat(box) for box in chars])
            ignore = text.strip() in ("#", "")
            outlines.append((text.strip(), points, ignore, chars if boxes == "true" and not ignore else []))
        builder.image(f"{index}.jpg", (index, 7))
        expected.append(outlines)
    table = builder.table()
    chosen = data.draw(st.lists(st.integers(0, len(content) - 1), unique=True, min_size=1).map(sorted))
    curved = any(len(points) != 4 for outlines in expected for _, points, _, _ in outlines)
    for rows, own_table in ((range(len(content)), table), (chosen, table.take(np.array(chosen)))):
        assert len(own_table) == len(rows)
        own_table = pickle.loads(pickle.dumps(own_table))
        for place, row in enumerate(rows):
            sample = own_table.annotation(place)
            assert sample.sample_id == f"{row}.jpg" and own_table.sizes[place].tolist() == [row, 7]
            assert sample.words == [text for text, *_ in expected[row]]
            assert sample.ignore.tolist() == [ignore for _, _, ignore, _ in expected[row]]
            boxes = [box for *_, chars in expected[row] for box in chars]
            np.testing.assert_allclose(sample.char_quads, np.reshape(boxes, (-1, 4, 2)))
            owners = [word for word, (*_, chars) in enumerate(expected[row]) for _ in chars]
            assert sample.char_words.tolist() == owners
            assert (sample.word_polygons is not None) == curved
            for word, (_, points, _, _) in enumerate(expected[row]):
                quad = points if len(points) == 4 else reading_rectangle(points)
                np.testing.assert_array_equal(sample.word_quads[word], quad.astype(np.float32))
                if curved:
                    np.testing.assert_array_equal(sample.word_polygons[word], points)
    assert report.words == sum(map(len, content)) and report.images == len(content)
    assert report.chars == sum(len(chars) for outlines in expected for *_, chars in outlines)


def test_a_sample_is_a_copy_and_its_outlines_are_warped_with_it():
    builder = WordBuilder(DropReport(), [])
    builder.word("f", 1, flat(ROUND), "a")
    builder.image("x")
    table = builder.table()
    table.annotation(0).word_quads[:] = 0
    table.annotation(0).word_polygons[0][:] = 0
    sample = table.annotation(0)
    matrix = np.array([[0, -2, 10], [2, 0, 20], [0, 0, 1]], np.float64)
    warped = sample.transformed(np.zeros((1, 1, 3), np.uint8), matrix)
    np.testing.assert_allclose(warped.word_polygons[0], np.stack([10 - 2 * ROUND[:, 1], 20 + 2 * ROUND[:, 0]], 1))
    assert TextSample("x", warped.image).transformed(warped.image, matrix).word_polygons is None


def test_what_becomes_of_odd_outlines():
    report = DropReport()
    builder = WordBuilder(report, [], "item")
    odd = {
        "two points": BOX[:2],
        "a line": BOX * [1, 0],
        "a bent line": ROUND * [1, 0],
        "nan": BOX * np.nan,
        "far": BOX * 1e7,
        "far and many": ROUND * 1e7,
        "a bow": BOX[[0, 1, 3, 2]],
        "a ribbon": ROUND[[0, 2, 1, 3, 4, 5]],
        "backwards": BOX[::-1],
        "round backwards": ROUND[::-1],
        "outside": BOX - 100,
        "good": BOX,
    }
    for name, points in odd.items():
        builder.word("f", name, flat(points), name)
    builder.word("f", "surrogate", flat(BOX), "\ud800")
    builder.image("x")
    sample = builder.table().annotation(0)
    assert sample.words == ["a bow", "a ribbon", "backwards", "round backwards", "outside", "good"]
    for outline in sample.word_polygons:
        assert len(outline) in (4, 6)
    np.testing.assert_array_equal(sample.word_quads[0], BOX)
    assert sample.word_polygons[3].tolist() == [*ROUND[-1:].tolist(), *ROUND[:-1].tolist()]
    assert report.dropped == {
        "word: text is not valid Unicode": 1,
        "word: outline of fewer than three points": 1,
        "word: zero or near-zero area": 2,
        "word: a coordinate is not finite": 1,
        "word: a coordinate is beyond a million pixels": 2,
    }
    assert report.noted == {
        "word: sides crossed, corners put in order": 1,
        "word: sides of the polygon cross": 1,
        "word: counter-clockwise, corners put in order": 2,
        "word: outside the image": 1,
    }
    assert report.examples["word: zero or near-zero area"] == ["f item a line", "f item a bent line"]
    assert report.words == 6


@pytest.mark.parametrize(
    ("boxes", "reason", "lost"),
    [
        ([BOX], "char: boxes and characters of the word differ in number", 1),
        ([BOX, BOX * 0], "char: zero or near-zero area, as is one at least of its word", 2),
        ([BOX, np.full_like(BOX, np.inf)], "char: a coordinate is not finite, as is one at least of its word", 2),
    ],
)
def test_a_word_keeps_all_its_character_boxes_or_none(boxes, reason, lost):
    report = DropReport()
    builder = WordBuilder(report, ["###"])
    builder.word("f", 1, flat(BOX), "o k", chars=[flat(box) for box in boxes])
    builder.word("f", 2, flat(BOX), "ok", chars=[flat(BOX), flat(BOX[::-1])])
    builder.word("f", 3, flat(BOX), "###", chars=[flat(BOX)])
    builder.word("f", 4, flat(BOX * 0), "ok", chars=[flat(BOX), flat(BOX)])
    builder.image("x")
    sample = builder.table().annotation(0)
    assert sample.words == ["o k", "ok", "###"] and sample.char_words.tolist() == [1, 1]
    np.testing.assert_array_equal(sample.char_quads[1], BOX[[3, 0, 1, 2]])
    assert report.dropped == {reason: lost, "word: zero or near-zero area": 1} and report.chars == 2
    assert report.examples[reason][0].startswith("f line 1")


def test_an_accented_letter_has_one_box_or_two():
    builder = WordBuilder(DropReport(), [])
    for boxes in (2, 3):
        builder.word("f", 1, flat(BOX), "e\u0301a", chars=[flat(BOX)] * boxes)
    builder.image("x")
    sample = builder.table().annotation(0)
    assert sample.words == ["\u00e9a"] * 2 and sample.char_words.tolist() == [0, 0, 1, 1, 1]


def test_the_hash_tells_all_contents_apart():
    def digest(name="x", points=BOX, text="ab", ignore=False, chars=(), size=(0, 0), again=False):
        builder = WordBuilder(DropReport(), [])
        builder.word("f", 1, flat(points), text, ignore, [flat(box) for box in chars])
        builder.image(name, size)
        if again:
            builder.image("y")
        return builder.table().digest()

    changed = [
        digest(),
        digest(name="z"),
        digest(points=BOX + 1),
        digest(points=ROUND),
        digest(points=ROUND[[0, 2, 3, 4, 5]]),
        digest(text="ac"),
        digest(ignore=True),
        digest(chars=[BOX, BOX]),
        digest(chars=[BOX, BOX + 1]),
        digest(size=(4, 5)),
        digest(again=True),
    ]
    assert len(set(changed)) == len(changed) and digest() == changed[0]
