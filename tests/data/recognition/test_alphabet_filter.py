"""What an alphabet keeps, drops and folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UserError
from data.reader import DropReport
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import LabelRule, filter_words
from data.recognition.readers.forwarded import ChosenWords, JoinedWords, Kept
from data.recognition.sample import WordReader, WordSample


class ListReader(WordReader):
    """A reader of given labels, their pictures all alike."""

    def __init__(self, labels: list[str]) -> None:
        self.labels = labels
        self.report = DropReport(len(labels), len(labels), sum(map(len, labels)))
        self.report.drop("word: its label is empty", "somewhere")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> WordSample:
        return WordSample(self.name(index), np.zeros((2, 3, 3), np.uint8), self.labels[index])

    def text(self, index: int) -> str:
        return self.labels[index]

    def name(self, index: int) -> str:
        return f"w{index % len(self)}"

    def size(self, index: int) -> tuple[int, int]:
        return 2, 3

    def path(self, index: int) -> Path | None:
        return None

    def fingerprint(self) -> str:
        return str(self.labels)


class Generator(ListReader):
    characters = frozenset("abC ")
    longest = 9


def kept(labels: list[str], alphabet: str, **rule) -> list[str]:
    words = filter_words(ListReader(labels), LabelRule(Alphabet(alphabet), **rule), "words")
    assert [words[k].text for k in range(len(words))] == [words.text(k) for k in range(len(words))]
    return [words.text(k) for k in range(len(words))]


def test_characters_with_a_meaning_in_patterns_are_characters() -> None:
    labels = ["]", "^", "-", "\\", " A", "A^]-\\ ]", "-A", "A A", "^A", "\\]", "] ^"]
    assert kept([*labels, "B", "a", "[", "A.", "/"], "]^-\\ A") == labels


def test_an_alphabet_of_capitals_keeps_every_label_in_capitals() -> None:
    labels = ["ABC", "Z", "HELLO"]
    assert kept([*labels, "Abc", "z"], "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == labels
    assert kept([*labels, "Abc", "z"], "ABCDEFGHIJKLMNOPQRSTUVWXYZ", case="upper") == [*labels, "ABC", "Z"]
    assert kept([*labels, "Abc"], "abcdefghijklmnopqrstuvwxyz", case="lower") == ["abc", "z", "hello", "abc"]


@given(
    st.sets(st.characters(categories=["Lu", "Ll", "Nd", "Po", "Ps", "Zs"], max_codepoint=0x17F), min_size=1),
    st.lists(st.text(st.characters(categories=["Lu", "Ll", "Nd", "Po", "Ps", "Zs"], max_codepoint=0x17F), min_size=1)),
)
def test_membership_is_that_of_a_set(characters: set[str], labels: list[str]) -> None:
    expected = [label for label in labels if set(label) <= characters]
    rule = LabelRule(Alphabet(sorted(characters)))
    if expected:
        assert kept(labels, "".join(sorted(characters))) == expected
    assert [rule.fault(rule.fold(label)) is None for label in labels] == [set(label) <= characters for label in labels]


def test_unknown_characters_may_be_removed_from_labels() -> None:
    labels = ["it's", "a-b", "--", "ok", "Fine"]
    assert kept(labels, "abcdefghijklmnopqrstuvwxyz", unknown="remove") == ["its", "ab", "ok", "ine"]
    assert kept(labels, "abcdefghijklmnopqrstuvwxyz", unknown="remove", case="lower") == ["its", "ab", "ok", "fine"]
    reader = filter_words(ListReader(labels), LabelRule(Alphabet("abcdefinostx"), unknown="remove"), "words")
    assert reader.report.noted == {"word: characters outside the alphabet were removed": 4}
    assert reader.report.dropped["word: none of its characters is in the alphabet"] == 1


def test_length_counts_characters_of_the_folded_label() -> None:
    assert kept(["abc", "abcd", "abcde"], "abcde", max_length=4) == ["abc", "abcd"]
    assert kept(["ab!c", "abcd!"], "abcd", max_length=3, unknown="remove") == ["abc"]
    assert kept(["ßß"], "SAß", case="upper", max_length=4) == ["SSSS"]


def test_everything_left_out_is_counted_and_named() -> None:
    labels = ["café", "thé", "naïve", "ok", "toolong", "okay"]
    words = filter_words(ListReader(labels), LabelRule(Alphabet("acefhiknotvyl"), max_length=5), "words")
    report = words.report
    assert [words.text(k) for k in range(len(words))] == ["ok", "okay"]
    assert (words[1].sample_id, words.name(-1)) == ("w5", "w5")
    assert report.dropped == {
        "word: its label is empty": 1,
        "word: a character is not in the alphabet": 4,
    }
    assert report.examples["word: a character is not in the alphabet"][0] == "w0: 'café' has 'é' (U+00E9)"
    assert report.unknown == {"é": 2, "ï": 1, "g": 1}
    assert (report.words, report.images, report.chars) == (2, 2, 6)
    assert report.table().endswith("not in the alphabet: 'é' (U+00E9) in 2, 'g' (U+0067) in 1, 'ï' (U+00EF) in 1")
    assert filter_words(words, LabelRule(Alphabet("oky")), "words").report.words == 1, "a filter of a filter"


def test_too_many_left_out_is_one_sentence() -> None:
    reader = ListReader(["ok"] * 99 + ["a b"])
    rule = LabelRule(Alphabet("ok"))
    assert len(filter_words(reader, rule, "words", max_dropped=0.01)) == 99
    message = r"^train: 1 of 100 labels \(1.00%\) .*\(it lacks '␣' \(U\+0020\) in 1"
    with pytest.raises(UserError, match=message) as caught:
        filter_words(reader, rule, "train", max_dropped=0.009)
    assert "more than `max_dropped` (0.009) allows" in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"100 of 100 labels .* none is left"):
        filter_words(reader, LabelRule(Alphabet("x")), "train")


def test_fingerprints_change_with_what_is_kept_and_how_it_is_folded() -> None:
    reader = ListReader(["ok", "OK", "no", "ko"])
    rules = [
        LabelRule(Alphabet("okOK")),
        LabelRule(Alphabet("okn")),
        LabelRule(Alphabet("okn"), case="lower"),
        LabelRule(Alphabet("oknOK")),
        LabelRule(Alphabet("okn"), unknown="remove"),
    ]
    prints = [filter_words(reader, rule, "words").fingerprint() for rule in rules]
    assert len(set(prints)) == 5
    assert filter_words(reader, LabelRule(Alphabet("okOKz")), "words").fingerprint() == prints[0]


def test_joined_datasets_are_filtered_one_by_one() -> None:
    joined = JoinedWords([ListReader(["ok", "no", "ko"]), ListReader(["kk", "zz"])])
    words = filter_words(joined, LabelRule(Alphabet("ok")), "train")
    assert [words.text(k) for k in range(len(words))] == ["ok", "ko", "kk"]
    assert words.report.dropped["word: a character is not in the alphabet"] == 2
    with pytest.raises(UserError, match=r"^train, dataset 2: 2 of 2 labels"):
        filter_words(joined, LabelRule(Alphabet("no")), "train")
    with pytest.raises(UserError, match=r"^train: 2 of 5 labels"):
        filter_words(joined, LabelRule(Alphabet("ok")), "train", max_dropped=0.3)


def test_a_generator_is_asked_what_it_writes() -> None:
    reader = Generator(["abC"] * 5)
    reader.text = None  # which would be called for every label
    for source in (reader, ChosenWords(reader, np.arange(3))):
        words = filter_words(source, LabelRule(Alphabet("abC d"), max_length=9), "train")
        assert len(words) == len(source)
    assert filter_words(Generator(["abC"]), LabelRule(Alphabet("abc "), case="lower"), "x").text(0) == "abc"
    for rule, message in (
        (LabelRule(Alphabet("abC")), r"train: its recipe writes '␣' \(U\+0020\), which the alphabet lacks; give"),
        (LabelRule(Alphabet("abc "), case="upper"), r"'A' \(U\+0041\), 'B' \(U\+0042\), 'C'"),
        (LabelRule(Alphabet("abC"), unknown="remove"), "which the alphabet lacks"),
        (LabelRule(Alphabet("abC "), max_length=8), "its labels may have 9 characters, more than the 8"),
    ):
        with pytest.raises(UserError, match=message) as caught:
            filter_words(reader, rule, "train")
        assert "\n" not in str(caught.value)


@given(st.integers(0, 60).flatmap(lambda total: st.tuples(st.just(total), st.sets(st.integers(0, max(total - 1, 0))))))
def test_kept_rows_against_a_list(case: tuple[int, set[int]]) -> None:
    total, dropped = case
    dropped = {row for row in dropped if row < total}
    rows = Kept(total, sorted(dropped))
    expected = [row for row in range(total) if row not in dropped]
    assert [rows[k] for k in range(len(rows))] == expected and len(rows) == len(expected)
    assert [rows[k - len(rows)] for k in range(len(rows))] == expected
    for index in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            rows[index]
