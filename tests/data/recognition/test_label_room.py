from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.recognition.label_room import labels_without_room, required_steps
from data.recognition.preprocess import WordPreprocess


@pytest.mark.parametrize(
    ("text", "steps"), [("", 0), ("a", 1), ("ab", 2), ("aa", 3), ("aaa", 5), ("hello", 6), ("aAa", 3), ("abba", 5)]
)
def test_steps_of_a_label(text: str, steps: int) -> None:
    assert required_steps(text) == steps
    assert required_steps([ord(character) for character in text]) == steps


def test_steps_are_those_of_the_shortest_path_that_reads_as_the_label() -> None:
    """By brute force: all paths over a blank and two letters, merged and freed of blanks."""
    shortest: dict[str, int] = {}
    for length in range(1, 8):
        for path in itertools.product("-ab", repeat=length):
            label = "".join(character for character, _ in itertools.groupby(path)).replace("-", "")
            shortest.setdefault(label, length)
    checked = [label for label in shortest if label and len(label) <= 4]
    assert len(checked) == 2 + 4 + 8 + 16
    assert all(required_steps(label) == shortest[label] for label in checked)


def quarter(width):
    return width // 4 - 1


sizes_of_pictures = st.lists(st.tuples(st.integers(4, 200), st.integers(1, 900)), min_size=1, max_size=30)


@given(
    sizes=sizes_of_pictures,
    seed=st.integers(0, 99),
    most=st.integers(40, 200),
    least=st.integers(1, 40),
    multiple=st.sampled_from([1, 4, 7]),
)
def test_what_is_recommended_makes_room_and_nothing_less_does(
    sizes: list[tuple[int, int]], seed: int, most: int, least: int, multiple: int
) -> None:
    needed = np.random.default_rng(seed).integers(1, 40, len(sizes)).tolist()
    preprocess = WordPreprocess(height=32, max_width=most, min_width=least, width_multiple=multiple)

    def failing(**changes) -> list[int]:
        given = {"height": 32, "max_width": most, "min_width": least, "width_multiple": multiple}
        preprocess = WordPreprocess(**{**given, **changes})
        return [k for k, (h, w) in enumerate(sizes) if quarter(preprocess.input_width(h, w)) < needed[k]]

    found = labels_without_room(needed, np.array(sizes), preprocess, quarter)
    assert found.indices.tolist() == failing() and found.total == len(sizes) and len(found) == len(failing())
    for index, steps, wanted in zip(found.indices, found.steps, found.needed, strict=True):
        assert steps == quarter(preprocess.input_width(*sizes[index]))
        assert wanted == needed[index]
    if not len(found):
        assert (found.height, found.max_width, found.min_width) == (None, None, None)
        return
    enough = {"max_width": found.max_width or most, "height": found.height or 32}
    assert failing(**enough) == []
    if found.height is not None:
        assert failing(**{**enough, "height": found.height - 1})
        assert failing(**{"max_width": enough["max_width"], "min_width": found.min_width}) == []
        assert failing(**{"max_width": enough["max_width"], "min_width": found.min_width - 1})
        assert 32 < found.usual_height <= found.height
        assert f"height {found.height}" in found.remedy()
    if found.max_width is not None:
        assert failing(**{**enough, "max_width": found.max_width - 1})
        assert f"max_width {found.max_width}" in found.remedy()


def test_one_width_for_all_asks_for_a_larger_one() -> None:
    sizes = np.array([[32, 100], [32, 10], [0, 0]])
    found = labels_without_room([30, 20, 99], sizes, WordPreprocess(height=32, pad_to=100), quarter)
    assert (found.indices.tolist(), found.steps.tolist(), found.max_width, found.height) == ([0], [24], 124, None)
    assert found.remedy() == "pad_to 124 would make room"
    found = labels_without_room([30, 20, 99], sizes, WordPreprocess(keep_ratio=False, max_width=100), quarter)
    assert found.remedy() == "max_width 124 would make room"


def test_nothing_to_be_done() -> None:
    found = labels_without_room([], np.zeros((0, 2), np.int32), WordPreprocess(), quarter)
    assert len(found) == 0 and found.remedy() == "nothing is to be done"
