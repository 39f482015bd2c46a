from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from config.errors import UserError
from config.schema.generation import TextSettings
from data.reader import DropReport
from data.synth.partition import Partition
from data.synth.wording.text import TextSource, core, load_texts
from data.synth.wording.vocabulary import fitting_words, load_words, make_alphabet

ONE = Partition(7, {"train": 1.0})
KINDS = ("word", "number", "price", "date", "time", "code", "email", "url", "phone", "random")


WORDS = Path(__file__).with_name("word_list.txt")
"""Sixty words of one to fourteen letters, some with accents, capitals and apostrophes."""


def source(settings: TextSettings, partition: Partition = ONE, split: str = "train") -> TextSource:
    return load_texts(settings, partition, [split], DropReport())[1][split]


def test_words_are_drawn_as_often_as_their_weight_says(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("alpha\nbeta\n\ngamma\nalpha\n", encoding="utf-8-sig")
    settings = TextSettings(
        word_list=[str(tmp_path / "words.txt")],
        kinds={"word": 1.0},
        case={"lower": 1.0},
        punctuation=0.0,
        commonness=1.0,
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
    settings = TextSettings(length=[1, 12], punctuation=0.5, kinds=dict.fromkeys(KINDS, 1.0))
    alphabet = set(make_alphabet(settings, load_words(settings)[0]))
    rng, drawn = np.random.default_rng(1), source(settings)
    texts = [drawn.draw(rng) for _ in range(1500)]
    assert all(1 <= len(text) <= 12 and alphabet.issuperset(text) for text in texts)
    for mark in ("$", ":", "@", "/", ".", "-", "%", "www."):
        assert any(mark in text for text in texts), mark
    assert any(text.isupper() for text in texts) and any(text.istitle() for text in texts)


@settings(max_examples=30, deadline=None)
@example("]^-\\ A", [1, 4], ["random"], 1.0, None)
@example("0123456789", [6, 6], ["random"], 0.5, 3)
@example("ABCDEFGHIJKLMNOPQRSTUVWXYZ", [3, 5], ["word"], 0.5, None)
@example("\u0915\u0916\u093e\u093f.a1", [1, 6], ["random"], 0.5, None)
@given(
    alphabet=st.text(
        st.sampled_from("abcdefghijklmnoprstuABCDEFGHIJ0123456789.,-:/@()[]^\\\"'$\u00e9\u00c9\u00df"), min_size=1
    ),
    length=st.lists(st.integers(1, 14), min_size=2, max_size=2).map(sorted),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=4, unique=True),
    punctuation=st.sampled_from([0.0, 0.5, 1.0]),
    longest=st.none() | st.integers(1, 9),
)
def test_length_and_alphabet_hold_for_all_settings(
    alphabet: str, length: list[int], kinds: list[str], punctuation: float, longest: int | None
) -> None:
    settings = TextSettings(
        alphabet=alphabet,
        length=length,
        kinds=dict.fromkeys(kinds, 1.0),
        punctuation=punctuation,
        word_list=[str(WORDS)],
        case={"lower": 1.0, "title": 1.0, "upper": 1.0, "mixed": 1.0},
    )
    partition = Partition.of({"train": 10, "test": 2}, 0.3, 5)
    rng = np.random.default_rng(3)
    for split in ("train", "test"):
        try:
            drawn = source(settings, partition, split)
            texts = [drawn.draw(rng, longest) for _ in range(20)]
        except UserError as fault:  # One sentence where nothing can be written is as good.
            assert "\n" not in str(fault)
            continue
        for text in texts:
            assert length[0] <= len(text) <= length[1], text
            assert set(alphabet) - {" "} >= set(text), text
            assert text == unicodedata.normalize("NFC", text)
            assert partition.owner(core(text)) == split, text


def test_random_strings_are_even_over_alphabet_and_length() -> None:
    drawn = source(TextSettings(alphabet="]^-\\ A", length=[1, 4], kinds={"random": 1.0}, punctuation=0.0))
    rng = np.random.default_rng(0)
    texts = [drawn.draw(rng) for _ in range(4000)]
    characters = "".join(texts)
    assert set(characters) == set("]^-\\A")
    # Four standard deviations of these shares are 0.027 and 0.017.
    for length in range(1, 5):
        assert sum(len(text) == length for text in texts) / 4000 == pytest.approx(1 / 4, abs=0.028)
    for character in "]^-\\A":
        assert characters.count(character) / len(characters) == pytest.approx(1 / 5, abs=0.017)
    # The second of four lengths is the most that is asked for.
    assert {len(drawn.draw(rng, 2)) for _ in range(50)} == {1, 2}


def test_digits_alone_need_no_words() -> None:
    settings = TextSettings(alphabet="0123456789", language="no such language", length=[2, 5], kinds={"random": 1.0})
    rng, drawn = np.random.default_rng(0), source(settings)
    texts = [drawn.draw(rng) for _ in range(300)]
    assert all(text.isdigit() and 2 <= len(text) <= 5 for text in texts) and {text[0] for text in texts} == set(
        "0123456789"
    )
    numbers = source(TextSettings(alphabet="0123456789", kinds={"number": 1.0}))
    assert all(numbers.draw(rng).isdigit() for _ in range(100))
    with pytest.raises(UserError, match="No text can be made"):
        source(TextSettings(alphabet="abc", kinds={"number": 1.0})).draw(rng)


def test_random_strings_of_scripts_with_marks_and_directions() -> None:
    hindi = "\u0915\u0916\u0917\u093e\u093f"
    drawn = source(
        TextSettings(alphabet=hindi + "\u05d0\u05d1ab", length=[1, 6], kinds={"random": 1.0}, punctuation=0.0)
    )
    rng = np.random.default_rng(0)
    texts = [drawn.draw(rng) for _ in range(400)]
    assert set("".join(texts)) == set(hindi + "\u05d0\u05d1ab")
    for text in texts:
        leftwards = [unicodedata.bidirectional(character) == "R" for character in text]
        assert all(leftwards) or not any(leftwards)
        for before, mark in zip(" " + text, text, strict=False):
            assert unicodedata.category(mark)[0] != "M" or before in "\u0915\u0916\u0917"


def test_a_split_of_a_hundredth_finds_its_texts() -> None:
    partition = Partition.of({"train": 10, "test": 1}, 0.01, 5)
    drawn = source(TextSettings(kinds={"time": 1.0}, alphabet="0123456789:"), partition, "test")
    rng = np.random.default_rng(0)
    texts = {drawn.draw(rng) for _ in range(40)}
    assert len(texts) > 4 and all(partition.owner(core(text)) == "test" for text in texts)


CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("case", [{"lower": 1.0, "title": 1.0, "upper": 1.0}, {"upper": 1.0}, {"mixed": 1.0}])
def test_capitals_alone_make_words_of_a_list_in_lower_case(case: dict[str, float]) -> None:
    settings = TextSettings(alphabet=CAPITALS, kinds={"word": 1.0}, case=case, punctuation=0.0)
    drawn, small = source(settings), source(settings.model_copy(update={"alphabet": CAPITALS.lower()}))
    assert drawn.words == small.words and len(drawn.words) > 20000
    rng = np.random.default_rng(0)
    assert all(drawn.draw(rng).isupper() for _ in range(200))
    assert all(small.draw(rng).islower() for _ in range(200)) or case == {"upper": 1.0}


def test_a_list_in_capitals_serves_an_alphabet_of_small_letters(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("LONDON\nParis\nk\u0131r\nstra\u00dfe\n")
    settings = TextSettings(
        word_list=[str(tmp_path / "words.txt")], alphabet="abcdefghijklmnopqrstuvwxyz", kinds={"word": 1}
    )
    rng, drawn = np.random.default_rng(0), source(settings)
    assert {drawn.draw(rng) for _ in range(60)} == {"london", "paris"}
    # The capitals of "kır" are those of another word, and "straße" has one more letter in capitals.
    words, _ = load_words(settings)
    report = DropReport()
    assert fitting_words(settings, words, CAPITALS, report) == [0, 1]
    assert report.dropped == {"word list: characters outside the alphabet": 2}
    # Only small letters are allowed, and the alphabet has none.
    assert fitting_words(settings.model_copy(update={"case": {"lower": 1.0}}), words, CAPITALS, report) == [0]


def test_mixed_case_is_a_coin_for_each_letter() -> None:
    settings = TextSettings(kinds={"word": 1.0}, case={"mixed": 1.0}, punctuation=0.0, length=[4, 12])
    rng, drawn = np.random.default_rng(0), source(settings)
    letters = [letter for _ in range(1000) for letter in drawn.draw(rng) if letter.isalpha()]
    # Four standard deviations of a share of about 7000 letters.
    assert sum(letter.isupper() for letter in letters) / len(letters) == pytest.approx(0.5, abs=0.025)


def test_a_weight_of_zero_is_as_good_as_none() -> None:
    zero = TextSettings(
        kinds={**TextSettings().kinds, "random": 0.0, "url": 0.0, "phone": 0.0},
        case={**TextSettings().case, "mixed": 0.0},
    )
    texts = []
    for text_settings in (TextSettings(), zero):
        rng, drawn = np.random.default_rng(4), source(text_settings)
        texts.append([drawn.draw(rng) for _ in range(500)])
    assert texts[0] == texts[1]


def test_a_kind_that_cannot_be_written_is_named(caplog: pytest.LogCaptureFixture) -> None:
    source(TextSettings(alphabet="0123456789.", kinds={"number": 1.0, "price": 1.0, "word": 0.0}))
    assert "text.kinds weighs price, of which" in caplog.text and caplog.text.count("text.kinds") == 1


@given(st.text(alphabet="abcABC123.,!", min_size=1, max_size=6))
def test_each_text_has_one_owner_whatever_its_case_and_punctuation(text: str) -> None:
    partition = Partition.of({"train": 10, "test": 3, "val": 3}, 0.3, 5)
    if any(character.isalnum() for character in text):
        assert partition.owner(core(text)) == partition.owner(core(f"({text.swapcase()})!"))
    else:
        assert core(text) == text


def test_shares_of_the_partition() -> None:
    partition = Partition.of({"test": 10, "train": 100, "val": 10}, 0.15, 1)
    assert partition.shares == pytest.approx({"test": 0.15, "train": 0.7, "val": 0.15})
    owners = [partition.owner(str(index)) for index in range(10000)]
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
        ({"alphabet": "  "}, "text.alphabet is empty"),
        ({"alphabet": "0123456789"}, "none is left for the split 'train'"),
        ({"word_list": ["/no/such/file"]}, "cannot be read"),
    ],
)
def test_mistakes_are_one_sentence(settings: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        source(TextSettings(**settings))
    assert "\n" not in str(caught.value)


def test_excluded_words_are_not_in_the_list(tmp_path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("grape\nGrapefruit\npear\nplum\n")
    words, weights = load_words(TextSettings(word_list=[str(path)], exclude=["GRAPE"]))
    assert words == ["pear", "plum"] and len(weights) == 2 and weights[0] > weights[1]
    with pytest.raises(UserError, match=r"text\.exclude"):
        load_words(TextSettings(word_list=[str(path)], exclude=["p"]))
