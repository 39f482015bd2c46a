from __future__ import annotations

import numpy as np
from word_readers import PaintedWords

from data.recognition.preprocess import WordPreprocess
from data.recognition.readers.forwarded import ChosenWords, JoinedWords
from data.recognition.widths import TextWidths, bucket_widths, input_widths, picture_sizes, squeezed


def test_sizes_are_those_of_the_pictures() -> None:
    reader = PaintedWords(1300, broken=frozenset({3, 700}))
    sizes = picture_sizes(reader)
    expected = reader.sizes.copy()
    expected[[3, 700]] = 0
    np.testing.assert_array_equal(sizes, expected)


def test_widths_are_those_that_fit_gives() -> None:
    reader = PaintedWords(60, broken=frozenset({5}))
    preprocess = WordPreprocess(height=32, max_width=250)
    sizes = picture_sizes(reader)
    widths = input_widths(sizes, preprocess)
    readable = [index for index in range(60) if index != 5]
    expected = [preprocess.fit(reader[index].image).shape[1] for index in readable]
    assert widths.dtype == np.int16 and widths[readable].tolist() == expected
    assert widths[5] == int(np.median(expected))
    long = [index for index in readable if -(-reader.sizes[index, 1] * 32 // reader.sizes[index, 0]) > 250]
    assert squeezed(sizes, preprocess).tolist() == long and long


def test_fixed_widths_and_datasets_of_nothing_readable() -> None:
    sizes = np.array([[10, 20], [0, 0], [20, 4000]], np.int32)
    assert input_widths(sizes, WordPreprocess(pad_to=600)).tolist() == [600] * 3
    assert squeezed(sizes, WordPreprocess(pad_to=600)).tolist() == [2]
    assert squeezed(sizes, WordPreprocess(keep_ratio=False)).tolist() == []
    assert input_widths(np.zeros((2, 2), np.int32), WordPreprocess()).tolist() == [16, 16]
    assert input_widths(np.zeros((0, 2), np.int32), WordPreprocess()).tolist() == []


def test_labels_stand_in_for_unknown_widths() -> None:
    reader = PaintedWords(9)
    assert TextWidths(reader)[np.array([2, 7])].tolist() == [len(reader.words[2]), len(reader.words[7])]
    assert isinstance(bucket_widths(reader, WordPreprocess()), np.ndarray)
    reader.drawn = True
    assert bucket_widths(reader, WordPreprocess())[np.array([2])].tolist() == [len(reader.words[2])]
    assert reader.sizes_asked == 9  # none for the second
    reader.slow_labels = True
    for wrapped in (reader, ChosenWords(reader, np.arange(3)), JoinedWords([PaintedWords(2), reader])):
        assert bucket_widths(wrapped, WordPreprocess()) is None
