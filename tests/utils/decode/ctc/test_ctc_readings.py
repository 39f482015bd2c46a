"""Greedy and beam decoding against every path there is, and both numbers against hand-made cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ctc_twin import all_texts, collapse, forward_loss, random_log_probs
from hypothesis import given, settings
from hypothesis import strategies as st

from data.recognition.alphabet import Alphabet
from utils.decode.ctc.beam import beam_search, decode_beam
from utils.decode.ctc.reading import decode_greedy
from utils.decode.ctc.scores import text_probabilities

AB = Alphabet("ab")


def steps(*rows):
    """Log-probabilities [1, T, C] of rows of probabilities."""
    return torch.tensor([rows], dtype=torch.float64).log()


def one_hot(classes, count):
    """Nearly certain log-probabilities [T, C] of a path."""
    probabilities = np.full((len(classes), count), 1e-6)
    probabilities[np.arange(len(classes)), classes] = 1 - 1e-6 * (count - 1)
    return np.log(probabilities)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ([0, 0, 0], ""),
        ([1, 1, 2], "ab"),
        ([1, 0, 1], "aa"),
        ([1, 1, 0, 1, 1, 2, 2, 0, 0, 2], "aabb"),
        ([0, 1, 0], "a"),
        ([], ""),
    ],
)
def test_repeats_merge_and_blanks_part(path, text):
    log_probs = one_hot(path, 3)[None]
    for decode in (decode_greedy, decode_beam):
        assert decode(log_probs, None, AB)[0].text == text


@settings(max_examples=30)
@given(seed=st.integers(0, 2**16), batch=st.integers(1, 3), data=st.data())
def test_greedy_is_the_collapsed_best_path_of_the_real_steps(seed, batch, data):
    log_probs = random_log_probs(seed, batch, 7, 4)
    lengths = [data.draw(st.integers(0, 7)) for _ in range(batch)]
    alphabet = Alphabet("xyz")
    for row, reading in enumerate(decode_greedy(log_probs, lengths, alphabet)):
        real = log_probs[row, : lengths[row]]
        text = collapse(real.argmax(axis=1)) if len(real) else ()
        assert reading.text == alphabet.decode(text)
        assert reading.probability == pytest.approx(math.exp(-forward_loss(real, text)), rel=1e-9)


def test_padding_changes_nothing():
    log_probs = random_log_probs(4, 3, 6, 4, sharpness=3)
    lengths = np.array([6, 4, 1])
    other = log_probs.copy()
    for row, length in enumerate(lengths):
        other[row, length:] = random_log_probs(5 + row, 6 - length, 4, sharpness=9)
    alphabet = Alphabet("xyz")
    for decode in (decode_greedy, decode_beam):
        assert decode(log_probs, lengths, alphabet) == decode(other, lengths, alphabet)
        alone = [decode(log_probs[row : row + 1, :length], None, alphabet)[0] for row, length in enumerate(lengths)]
        for mine, theirs in zip(decode(log_probs, lengths, alphabet), alone, strict=True):
            assert mine.text == theirs.text
            assert mine.confidence == pytest.approx(theirs.confidence)
            assert mine.probability == pytest.approx(theirs.probability)


def test_logits_and_their_log_softmax_read_alike():
    logits = torch.randn(2, 6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 3
    readings = zip(decode_greedy(logits, None, AB), decode_greedy(logits.log_softmax(2), None, AB), strict=True)
    for plain, normalised in readings:
        assert plain.text == normalised.text
        assert plain.confidence == pytest.approx(normalised.confidence, rel=1e-12)


def test_easyocrs_confidence_by_hand():
    """Two steps of 'a' and one of 'b' count, blanks do not: (0.9 * 0.8 * 0.5) ** (2 / sqrt(3))."""
    log_probs = steps([0.05, 0.9, 0.05], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2], [0.3, 0.2, 0.5])
    reading = decode_greedy(log_probs, None, AB)[0]
    assert reading.text == "ab"
    assert reading.confidence == pytest.approx((0.9 * 0.8 * 0.5) ** (2 / math.sqrt(3)), rel=1e-12)
    assert decode_greedy(log_probs, [1], AB)[0].confidence == pytest.approx(0.9**2)
    # The same number whatever decodes, as in EasyOCR.
    assert decode_beam(log_probs, None, AB)[0].confidence == pytest.approx(reading.confidence)


def test_easyocrs_confidence_of_nothing_is_zero():
    assert decode_greedy(steps([0.9, 0.05, 0.05]), None, AB)[0].confidence == 0
    assert decode_greedy(steps([0.1, 0.9, 0.0]), [0], AB)[0].confidence == 0


def test_confidence_of_a_long_line_does_not_vanish_on_the_way():
    """400 steps of 0.1: their product is below the smallest float32, its power is not 0 by accident."""
    log_probs = np.log(np.tile([0.05, 0.1, *[0.05] * 17], (1, 100, 1)))
    reading = decode_greedy(log_probs, None, Alphabet("abcdefghijklmnopqr"))[0]
    assert reading.confidence == pytest.approx(10.0 ** (-100 * 2 / 10), rel=1e-9)


def test_the_most_probable_text_is_not_that_of_the_best_path():
    """The best path is blank, blank (0.36); 'a' collects 0.16 + 2 * 0.24."""
    alphabet = Alphabet("a")
    log_probs = steps([0.6, 0.4], [0.6, 0.4])
    greedy, beam = decode_greedy(log_probs, None, alphabet)[0], decode_beam(log_probs, None, alphabet)[0]
    assert (greedy.text, beam.text) == ("", "a")
    assert greedy.probability == pytest.approx(0.36)
    assert beam.probability == pytest.approx(0.64)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), length=st.integers(0, 5), classes=st.integers(2, 4), sharp=st.sampled_from([0.3, 2]))
def test_a_beam_with_room_for_all_finds_every_text_with_its_probability(seed, length, classes, sharp):
    log_probs = random_log_probs(seed, length, classes, sharpness=sharp)
    expected = all_texts(log_probs)
    found = beam_search(log_probs, 2000)
    assert {text.classes for text in found} == set(expected)
    for text in found:
        assert math.exp(text.log_probability) == pytest.approx(expected[text.classes], rel=1e-9)
    assert [text.log_probability for text in found] == sorted((t.log_probability for t in found), reverse=True)
    assert math.exp(found[0].log_probability) == pytest.approx(max(expected.values()))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**16), width=st.integers(1, 6))
def test_a_narrow_beam_never_claims_too_much(seed, width):
    log_probs = random_log_probs(seed, 8, 4, sharpness=2)
    found = beam_search(log_probs, width)
    assert 1 <= len(found) <= width
    for text in found:
        assert text.log_probability <= -forward_loss(log_probs, text.classes) + 1e-9


def test_a_text_that_left_the_beam_and_comes_back_is_one_text():
    for seed in range(20):
        found = beam_search(random_log_probs(seed, 12, 3), 3)
        assert len({text.classes for text in found}) == len(found)


def test_text_probabilities_of_given_texts():
    log_probs = random_log_probs(9, 3, 5, 4)
    texts = [(1, 1), (), (3, 2, 1, 2, 3)]
    found = text_probabilities(torch.from_numpy(log_probs), torch.tensor([5, 2, 4]), texts)
    expected = [
        math.exp(-forward_loss(log_probs[row, :length], text))
        for row, (length, text) in enumerate(zip([5, 2, 4], texts, strict=True))
    ]
    assert found == pytest.approx(expected, rel=1e-9)
    assert found[2] == 0  # five characters, four steps


def test_an_empty_batch():
    for decode in (decode_greedy, decode_beam):
        assert decode(torch.zeros(0, 5, 3), None, AB) == []


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"expected scores \[B, T, 3\], not \[2, 5, 4\]"):
        decode_greedy(torch.zeros(2, 5, 4), None, AB)
    for lengths in ([5], [5, 6], [-1, 2]):
        with pytest.raises(ValueError, match="expected 2 lengths of 0 to 5"):
            decode_greedy(torch.zeros(2, 5, 3), lengths, AB)
    with pytest.raises(ValueError, match="the beam must be at least 1 wide, not 0"):
        decode_beam(torch.zeros(2, 5, 3), None, AB, beam_width=0)
