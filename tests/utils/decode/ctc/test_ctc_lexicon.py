"""The word list: every word's probability against the forward recursion, and what is done with lines."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from ctc_twin import forward_loss, random_log_probs
from hypothesis import given, settings
from hypothesis import strategies as st

from data.recognition.alphabet import Alphabet
from utils.decode.ctc import lexicon
from utils.decode.ctc.beam import decode_beam
from utils.decode.ctc.lexicon import Lexicon, decode_lexicon
from utils.decode.ctc.reading import decode_greedy

ABC = Alphabet("abc")
WORDS = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=12)


def written(text, alphabet, doubt=0.1, seed=0):
    """Logits [1, T, C] of a text: each character takes two steps, a blank follows, and some noise is over it."""
    path = [label for label in alphabet.encode(text) for label in (label, label, 0)]
    logits = np.random.default_rng(seed).normal(size=(1, len(path), alphabet.classes)) * doubt
    logits[0, np.arange(len(path)), path] += 6
    return logits


@settings(max_examples=40)
@given(seed=st.integers(0, 2**16), words=WORDS, lengths=st.lists(st.integers(0, 8), min_size=1, max_size=3))
def test_every_word_has_its_exact_probability(seed, words, lengths):
    log_probs = random_log_probs(seed, len(lengths), 8, 4, sharpness=2)
    listed = Lexicon(words, ABC)
    scores = listed.scores(torch.from_numpy(log_probs), torch.tensor(lengths)).numpy()
    assert scores.shape == (len(lengths), len(set(words)))
    for row, length in enumerate(lengths):
        for place, word in enumerate(listed.words):
            expected = -forward_loss(log_probs[row, :length], ABC.encode(word))
            assert scores[row, place] == pytest.approx(expected, rel=1e-9)


def test_many_samples_are_worked_on_in_parts(monkeypatch):
    log_probs = torch.from_numpy(random_log_probs(1, 7, 6, 4))
    lengths = torch.tensor([6, 5, 4, 3, 2, 1, 0])
    listed = Lexicon(["a", "ab", "cc", "abca"], ABC)
    whole = listed.scores(log_probs, lengths)
    monkeypatch.setattr(lexicon, "CELLS", 20)
    torch.testing.assert_close(listed.scores(log_probs, lengths), whole, rtol=1e-12, atol=0)


def test_the_closest_word_is_taken():
    logits = written("abc", ABC)
    listed = Lexicon(["cab", "abb", "ab", "c"], ABC)
    assert decode_greedy(logits, None, ABC)[0].text == "abc"
    reading = decode_lexicon(logits, None, ABC, listed)[0]
    log_probs = torch.from_numpy(logits).log_softmax(2)[0].numpy()
    losses = {word: forward_loss(log_probs, ABC.encode(word)) for word in listed.words}
    assert reading.text == min(losses, key=losses.get)
    assert reading.text in ("abb", "ab")
    assert reading.probability == pytest.approx(math.exp(-losses[reading.text]))
    assert reading.confidence == decode_greedy(logits, None, ABC)[0].confidence
    assert decode_beam(logits, None, ABC, lexicon=listed) == [reading]


def test_a_line_is_looked_up_word_by_word():
    alphabet = Alphabet("abc ")
    logits = written(" abc  ca ", alphabet)
    listed = Lexicon(["aac", "bb", "ca"], alphabet)
    assert decode_lexicon(logits, None, alphabet, listed)[0].text == "aac ca"
    # Where entries hold spaces, a picture is one entry.
    phrases = Lexicon(["ab ca", "ca", "bbb"], alphabet)
    assert decode_lexicon(logits, None, alphabet, phrases)[0].text == "ab ca"


def test_samples_of_a_batch_do_not_mix():
    alphabet = Alphabet("abc ")
    lines = ["ab ca b", "c", "abc"]
    logits = [written(line, alphabet, seed=seed)[0] for seed, line in enumerate(lines)]
    widest = max(map(len, logits))
    batch = np.stack([np.pad(one, ((0, widest - len(one)), (0, 0)), constant_values=7) for one in logits])
    listed = Lexicon(["ab", "ca", "b", "c", "abc"], alphabet)
    readings = decode_lexicon(batch, [len(one) for one in logits], alphabet, listed)
    assert [reading.text for reading in readings] == lines


def test_no_room_for_any_word():
    assert decode_lexicon(written("a", ABC), None, ABC, Lexicon(["abca"], ABC))[0].text == ""
    assert decode_lexicon(np.zeros((1, 0, 4)), None, ABC, Lexicon(["a"], ABC))[0].text == ""
    assert decode_lexicon(np.zeros((0, 4, 4)), None, ABC, Lexicon(["a"], ABC)) == []


def test_a_blank_picture_reads_as_a_word_of_the_list_all_the_same():
    assert decode_lexicon(one_blank(), None, ABC, Lexicon(["abc", "a"], ABC))[0].text == "a"


def one_blank():
    logits = np.zeros((1, 6, 4))
    logits[..., 0] = 5
    return logits


def test_words_the_alphabet_cannot_write_are_named(caplog):
    listed = Lexicon(["ab", "ä", "", "ab", "xa"], ABC)
    assert listed.words == ["ab"]
    assert len(listed) == 1
    assert listed.left_out == ["ä", "", "xa"]
    assert "3 of 4 words of the list cannot be written" in caplog.text
    with pytest.raises(ValueError, match="holds no word that the alphabet can write"):
        Lexicon(["ä"], ABC)
    with pytest.raises(ValueError, match="another alphabet"):
        decode_lexicon(np.zeros((1, 3, 5)), None, Alphabet("abcd"), listed)


def test_nearest_by_edit_distance():
    listed = Lexicon(["cab", "abb", "ab", "c"], ABC)
    assert listed.nearest("abc") == "abb"  # 1 edit away like 'ab', and earlier in the list
    assert listed.nearest("cc") == "c"
