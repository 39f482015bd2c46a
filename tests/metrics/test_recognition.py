"""Scores of hand-made cases, a plain edit distance as a twin, and the published benchmark's own loop."""

from __future__ import annotations

import functools
import pickle
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import UserError
from metrics.protocols import WORD_PROTOCOLS, protocol
from metrics.recognition import Confusion, WordCounts, WordMetric, compare

TEXTS = st.text("abAB1 .ä", max_size=7)


def plain_edits(left, right) -> int:
    """Levenshtein's distance as its definition reads."""

    @functools.cache
    def edits(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        same = left[i - 1] == right[j - 1]
        return min(edits(i - 1, j) + 1, edits(i, j - 1) + 1, edits(i - 1, j - 1) + (not same))

    return edits(len(left), len(right))


def collect(pairs, **options):
    metric = WordMetric(**options)
    for index, (reference, prediction) in enumerate(pairs):
        metric.update(str(index), reference, prediction)
    return metric


@pytest.mark.parametrize(
    ("reference", "prediction", "right", "insensitive", "alphanumeric", "edits", "similarity"),
    [
        ("Hello", "Hello", 1, 1, 1, 0, 1),
        ("Hello", "hello", 0, 1, 1, 1, 4 / 5),
        ("Hello!", "hello", 0, 0, 1, 2, 4 / 6),
        ("kitten", "sitting", 0, 0, 0, 3, 4 / 7),
        ("abc", "", 0, 0, 0, 3, 0),
        ("", "abc", 0, 0, 0, 3, 0),
        ("", "", 1, 1, 1, 0, 1),
        ("&", "-", 0, 0, 1, 1, 0),  # nothing alphanumeric in either
        ("&", "8", 0, 0, 0, 1, 0),
        ("Straße", "STRASSE", 0, 1, 0, 6, 1 / 7),
        ("é", "e\u0301", 1, 1, 1, 0, 1),  # the same text, decomposed
        ("café", "cafe", 0, 0, 0, 1, 3 / 4),
        ("12:30", "1230", 0, 0, 1, 1, 4 / 5),
    ],
)
def test_one_text(reference, prediction, right, insensitive, alphanumeric, edits, similarity):
    counts = collect([(reference, prediction)]).compute()
    assert (counts.right, counts.right_insensitive, counts.right_alphanumeric) == (right, insensitive, alphanumeric)
    assert counts.character_edits == edits
    assert counts.norm_edit_distance == pytest.approx(similarity)


def test_rates_are_of_sums_and_not_means_of_rates():
    counts = collect([("a", "b"), ("abcdefghi", "abcdefghi")]).compute()
    assert counts.cer == pytest.approx(1 / 10)
    assert counts.norm_edit_distance == pytest.approx((0 + 1) / 2)
    counts = collect([("the cat sat", "the bat sat on"), ("one", "one")]).compute()
    assert counts.wer == pytest.approx(2 / 4)
    assert collect([("ab", "a b")]).compute().wer == 2  # one word read as two: a substitution and an insertion
    assert collect([("a", "xyz")]).compute().cer == 3


def test_no_texts_and_empty_references():
    empty = WordMetric().compute()
    assert set(empty.results().values()) == {0}
    counts = collect([("", "ab")]).compute()
    assert (counts.cer, counts.wer, counts.word_accuracy) == (2, 1, 0)


def test_names_of_results_json():
    results = collect([("Ab", "ab"), ("?", "?")]).compute().results()
    assert results == {
        "word_accuracy": 0.5,
        "word_accuracy_insensitive": 1.0,
        "word_accuracy_alphanumeric": 1.0,
        "cer": pytest.approx(1 / 3),
        "wer": 0.5,
        "norm_edit_distance": 0.75,
        "words": 2,
        "words_without_alphanumeric": 1,
    }


@settings(max_examples=150)
@given(reference=TEXTS, prediction=TEXTS)
def test_agrees_with_the_plain_edit_distance(reference, prediction):
    counts = compare(reference, prediction)
    edits = plain_edits(reference, prediction)
    assert counts.character_edits == edits
    assert counts.word_edits == plain_edits(tuple(reference.split()), tuple(prediction.split()))
    assert counts.similarity == (1 - edits / max(len(reference), len(prediction)) if reference or prediction else 1)
    assert counts.right <= counts.right_insensitive <= counts.right_alphanumeric
    assert counts.right == (reference == prediction)


@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=8), cut=st.integers(0, 8))
def test_parts_join_to_the_whole(pairs, cut):
    whole = collect(pairs)
    total = whole.compute()
    parts = collect(pairs[:cut]).compute() + collect(pairs[cut:]).compute()
    assert parts.similarity == pytest.approx(total.similarity)
    assert {**vars(parts), "similarity": 0} == {**vars(total), "similarity": 0}
    assert WordCounts() + total == total


def test_a_sample_may_be_added_once():
    metric = WordMetric()
    metric.update("a", "x", "x")
    with pytest.raises(ValueError, match="sample 'a' was added twice"):
        metric.update("a", "x", "x")


def test_as_the_published_benchmark_computes_it():
    """Accuracy and 1-NED of a model of 94 characters, as deep-text-recognition-benchmark does, sample by sample."""
    generator = random.Random(0)
    pairs = []
    for _ in range(300):
        reference = "".join(generator.choice("abCD12!-' ") for _ in range(generator.randint(1, 6)))
        prediction = "".join(c if generator.random() < 0.85 else generator.choice("aB1.") for c in reference)
        pairs.append((reference, prediction))
    correct, similarity, both_empty = 0, 0.0, 0
    for reference, prediction in pairs:
        left = re.sub("[^0-9a-z]", "", reference.lower())
        right = re.sub("[^0-9a-z]", "", prediction.lower())
        correct += left == right
        both_empty += not left and not right
        if left and right:
            similarity += 1 - plain_edits(left, right) / max(len(left), len(right))
    raw = collect(pairs).compute()
    reduced = collect(pairs, normalise=protocol("36")).compute()
    assert raw.word_accuracy_alphanumeric == reduced.word_accuracy == pytest.approx(correct / 300)
    assert both_empty > 0
    assert reduced.norm_edit_distance == pytest.approx((similarity + both_empty) / 300)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("36", "a1be2xy"),
        ("62", "A1bE2xY"),
        ("94", "A1-b,E2[x]^\\Y"),
        ("full", "A1-b, éE2[x]^\\Y²"),
    ],
)
def test_protocols(name, expected):
    reduce = pickle.loads(pickle.dumps(protocol(name)))
    assert reduce("A1-b, e\u0301E2[x]^\\Y²") == expected
    assert reduce(expected) == expected
    assert reduce("") == ""


def test_sizes_of_the_protocols():
    assert {"full", "36", "62", "94"} <= set(WORD_PROTOCOLS.names())
    everything = "".join(map(chr, range(0x250)))
    assert [len(set(protocol(name)(everything))) for name in ("36", "62", "94")] == [36, 62, 94]
    with pytest.raises(UserError, match="'37', a word protocol which does not exist"):
        protocol("37")


def test_confusions():
    metric = collect([("look", "1ook"), ("OIL", "0IL"), ("lab", "1ab"), ("ab", "abc"), ("xy", "y"), ("ok", "ok")])
    assert metric.confusions() == [
        Confusion("l", "1", 2),
        Confusion("", "c", 1),
        Confusion("O", "0", 1),
        Confusion("x", "", 1),
    ]
    assert metric.confusions(1) == [Confusion("l", "1", 2)]


@settings(max_examples=40)
@given(pairs=st.lists(st.tuples(TEXTS, TEXTS), max_size=6))
def test_confusions_add_up_to_the_edits(pairs):
    metric = collect(pairs)
    found = metric.confusions(1000)
    assert sum(confusion.count for confusion in found) == metric.compute().character_edits
    assert all(confusion.reference != confusion.prediction for confusion in found)
