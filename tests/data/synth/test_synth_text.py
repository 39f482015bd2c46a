from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UserError
from config.schema.generation import TextSettings
from data.synth.partition import Partition
from data.synth.text import TextSource, core
from data.synth.vocabulary import load_words, make_alphabet

ONE = Partition(7, {"train": 1.0})


def source(settings: TextSettings, partition: Partition = ONE, split: str = "train") -> TextSource:
    words, weights = load_words(settings)
    return TextSource(settings, words, weights, make_alphabet(settings, words), partition, split)


def test_words_are_drawn_as_often_as_their_weight_says(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("alpha\nbeta\n\ngamma\nalpha\n", encoding="utf-8-sig")
    settings = TextSettings(
        word_list=str(tmp_path / "words.txt"), kinds={"word": 1.0}, case={"lower": 1.0}, punctuation=0.0, commonness=1.0
    )
    words, weights = load_words(settings)
    assert words == ["alpha", "beta", "gamma"]
    np.testing.assert_allclose(weights, [1, 1 / 2, 1 / 3])
    rng, drawn = np.random.default_rng(0), source(settings)
    counts = {word: 0 for word in words}
    for _ in range(4000):
        counts[drawn.draw(rng)] += 1
    # Four standard deviations of a share of 4000 draws are about 0.03.
    for word, weight in zip(words, weights / weights.sum(), strict=True):
        assert counts[word] / 4000 == pytest.approx(weight, abs=0.032)


def test_every_kind_keeps_alphabet_and_length() -> None:
    settings = TextSettings(
        length=[1, 12],
        punctuation=0.5,
        kinds={"word": 1, "number": 1, "price": 1, "date": 1, "time": 1, "code": 1, "email": 1},
    )
    words, _ = load_words(settings)
    alphabet, rng, drawn = set(make_alphabet(settings, words)), np.random.default_rng(1), source(settings)
    texts = [drawn.draw(rng) for _ in range(1500)]
    assert all(1 <= len(text) <= 12 and alphabet.issuperset(text) for text in texts)
    for mark in "$:@/.-%":
        assert any(mark in text for text in texts), mark
    assert any(text.isupper() for text in texts) and any(text.istitle() for text in texts)


@given(st.text(alphabet="abcABC123.,!", min_size=1, max_size=6))
def test_each_text_has_one_owner_whatever_its_case_and_punctuation(text: str) -> None:
    partition = Partition.of({"train": 10, "test": 3, "val": 3}, 0.3, 5)
    assert partition.owner(core(text)) == partition.owner(core(f"({text.swapcase()})!"))


def test_shares_of_the_partition() -> None:
    partition = Partition.of({"test": 10, "train": 100, "val": 10}, 0.15, 1)
    assert partition.shares == pytest.approx({"test": 0.15, "train": 0.7, "val": 0.15})
    owners = [partition.owner(str(number)) for number in range(10000)]
    assert owners.count("test") / 10000 == pytest.approx(0.15, abs=0.015)
    groups = {"a": [f"a{i}" for i in range(20)], "b": [f"b{i}" for i in range(20)]}
    parts = partition.divide(groups, "things")
    assert {split: len(names) for split, names in parts.items()} == {"test": 6, "train": 28, "val": 6}
    assert sorted(name for names in parts.values() for name in names) == sorted(groups["a"] + groups["b"])
    for split, expected in {"test": 3, "train": 14, "val": 3}.items():
        assert abs(sum(name.startswith("a") for name in parts[split]) - expected) <= 1
    assert parts == partition.divide({key: names[::-1] for key, names in groups.items()}, "things")
    few = partition.divide({"a": ["x", "y", "z"]}, "things")
    assert all(len(names) == 1 for names in few.values())
    with pytest.raises(UserError, match="3 splits need at least as many things"):
        partition.divide({"a": ["x", "y"]}, "things")


def test_other_languages_bring_their_letters() -> None:
    for language, letters in (("de", "äöü"), ("ru", "жщя"), ("fr", "éç")):
        settings = TextSettings(language=language, vocabulary=8000)
        alphabet = make_alphabet(settings, load_words(settings)[0])
        assert set(letters) <= set(alphabet)
        assert alphabet == unicodedata.normalize("NFC", alphabet)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"language": "eng"}, "did you mean 'en'"),
        ({"language": "xx"}, "no word list"),
        ({"language": "ar"}, "right-to-left"),
        ({"alphabet": "  "}, "text.alphabet is empty"),
        ({"alphabet": "0123456789"}, "none is left for the split 'train'"),
        ({"word_list": "/no/such/file"}, "cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        source(TextSettings(**settings))
    assert "\n" not in str(caught.value)


def test_digits_alone_make_numbers() -> None:
    drawn = source(TextSettings(alphabet="0123456789", kinds={"number": 1.0}))
    rng = np.random.default_rng(0)
    assert all(drawn.draw(rng).isdigit() for _ in range(100))
    with pytest.raises(UserError, match="No text can be made"):
        source(TextSettings(alphabet="abc", kinds={"number": 1.0})).draw(rng)


def test_excluded_words_are_not_in_the_list(tmp_path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("grape\nGrapefruit\npear\nplum\n")
    words, weights = load_words(TextSettings(word_list=str(path), exclude=["GRAPE"]))
    assert words == ["pear", "plum"] and len(weights) == 2 and weights[0] > weights[1]
    with pytest.raises(UserError, match=r"text\.exclude"):
        load_words(TextSettings(word_list=str(path), exclude=["p"]))
