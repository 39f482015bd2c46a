"""Word lists of the user's own: what is read, what is left out and said, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from config.errors import UserError
from config.loader import load_config
from config.schema.generation import TextSettings
from data.reader import DropReport
from data.synth.partition import Partition
from data.synth.wording.text import load_texts
from data.synth.wording.vocabulary import load_words, make_alphabet
from data.synth.wording.word_list import read_word_lists

ONE = Partition(7, {"train": 1.0})


@pytest.fixture
def write(tmp_path: Path):
    def make(content: str | bytes, name: str = "words.txt") -> str:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return make


def test_counts_order_and_repeats(write) -> None:
    # A byte order mark, both line ends, blank lines, "e" + COMBINING ACUTE, a word that stands there twice.
    path = write("\ufeffpear\t3\r\n\r\ncafe\u0301\t10\npear\t 4\n#tag\t1.5\n")
    report = DropReport()
    words, frequencies = read_word_lists([path], report)
    assert words == ["caf\u00e9", "pear", "#tag"]
    np.testing.assert_array_equal(frequencies, [10, 7, 1.5])
    assert report.dropped == {"word list: there already (the counts are added up)": 1}
    assert report.examples["word list: there already (the counts are added up)"] == ["words.txt line 4"]


def test_counts_behind_a_space_where_every_line_has_one(write) -> None:
    words, frequencies = read_word_lists([write("you 300\ni 200\n747 5\n")], DropReport())
    assert words == ["you", "i", "747"] and frequencies.tolist() == [300, 200, 5]
    report = DropReport()
    words, frequencies = read_word_lists([write("you\nRoute 66\ni\n")], report)
    assert words == ["you", "i"] and frequencies.tolist() == [1, 1 / 2]
    assert report.dropped == {"word list: more than one word in a line": 1}


def test_several_lists_weigh_alike(write) -> None:
    paths = [write("a\t90\nb\t10\n", "one.txt"), write("b\nc\n", "two.txt")]
    words, frequencies = read_word_lists(paths, DropReport())
    # Of the second list Zipf's law gives b 2/3 and c 1/3.
    assert words == ["a", "b", "c"]
    np.testing.assert_allclose(frequencies, [0.9, 0.1 + 2 / 3, 1 / 3])
    settings = TextSettings.model_validate_json(f'{{"word_list": ["{paths[0]}", "{paths[1]}"], "commonness": 1.0}}')
    assert load_words(settings)[0] == words


def test_one_file_or_a_list_of_them_in_the_configuration(write) -> None:
    path = write("a\n")
    single, several = (
        load_config("generate_demo", [f"text.word_list={value}"]).text.word_list for value in (path, f"[{path}, b.txt]")
    )
    assert single == [path] and several == [path, "b.txt"]
    with pytest.raises(UserError, match=r"text.word_list is 5, but must be a list of .*texts"):
        load_config("generate_demo", ["text.word_list=5"])


def test_what_is_left_out_is_counted_by_reason_and_logged(write, caplog: pytest.LogCaptureFixture) -> None:
    path = write("ok\nfine\nan\u00adother\ntwo words\na\nincomprehensible\nna\u00efve\nslutty\nok\nlast\n")
    settings = TextSettings(
        word_list=[path], length=[2, 8], alphabet="abcdefghijklmnopqrstuvwxyz", kinds={"word": 1}, vocabulary=5
    )
    report = DropReport()
    with caplog.at_level(logging.INFO):
        _, sources = load_texts(settings, ONE, ["train"], report)
    assert sources["train"].words == ["ok", "fine"]
    assert report.dropped == {
        "word list: more than one word in a line": 1,
        "word list: invisible or unassigned characters": 1,
        "word list: there already": 1,
        "word list: named by text.exclude": 1,
        "word list: rarer than text.vocabulary takes": 1,
        "word list: shorter than text.length allows": 1,
        "word list: longer than text.length allows": 1,
        "word list: characters outside the alphabet": 1,
    }
    assert report.examples["word list: characters outside the alphabet"] == ["na\u00efve"]
    assert "Words: 2 are used; left out: " in caplog.text and "1 longer than text.length allows" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"fine\ncaf\xe9\n", r"words.txt line 2: byte 8 of the file is not UTF-8; save"),
        (b"\xef\xbb\xbffine\ncaf\xe9\n", r"words.txt line 2: byte 11 of the file is not UTF-8; save"),
        ("fine\n".encode("utf-16"), r"line 1: byte 0 .* \(it begins as UTF-16 does\)"),
        (b"a\tmany\n", r"words.txt line 1: after the tab stands 'many', which is not a count"),
        (b"a\t-1\n", "'-1', which is not a count"),
        (b"a\tnan\n", "'nan', which is not a count"),
        (b"a\t1\n\nb\n", r"words.txt line 3 has no count, but line 1 has one"),
        (b"a\t0\n", "no line with a single word"),
        (b"\n \n", "no line with a single word"),
        (b"two words\n", "no line with a single word"),
    ],
)
def test_mistakes_are_one_sentence(write, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        load_words(TextSettings(word_list=[write(content)]))
    assert "\n" not in str(caught.value)


def test_a_folder_or_nothing_in_place_of_a_list(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="cannot be read"):
            load_words(TextSettings(word_list=[str(path)]))


def test_two_lists_of_the_same_words_with_other_counts_differ(write) -> None:
    prints = []
    for counts in ("a\t2\nb\t1\n", "a\t3\nb\t1\n"):
        settings = TextSettings(word_list=[write(counts)])
        prints.append(load_texts(settings, ONE, ["train"], DropReport())[1]["train"].fingerprint())
    assert prints[0] != prints[1]


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "vi", "el", "tr", "uk", "fil"])
def test_languages_need_no_tokeniser(language: str) -> None:
    settings = TextSettings(language=language, vocabulary=300)
    words, weights = load_words(settings)
    assert len(words) == len(set(words)) == len(weights) == 300 and (np.diff(weights) <= 0).all()
    assert set("".join(words)) - set("'’-") <= set(make_alphabet(settings, words))


def test_words_with_vowel_signs_and_joiners_are_in_the_list(write) -> None:
    words, _ = load_words(TextSettings(language="hi", vocabulary=300))
    assert "में" in words and "है" in words
    words, _ = load_words(TextSettings(language="fa", vocabulary=3000))
    assert any("\u200c" in word for word in words) and not any(word.endswith("\u200c") for word in words)
    report = DropReport()
    words, _ = read_word_lists([write("می\u200cشود\nمی\u200c\n")], report)
    assert words == ["می\u200cشود"] and sum(report.dropped.values()) == 1
