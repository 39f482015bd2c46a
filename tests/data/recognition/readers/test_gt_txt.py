"""Label files with a path and a label on each line, as ICDAR, IIIT5K and deep-text-recognition-benchmark have them."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from word_files import encoded, texts, write_pictures
from word_lists import FIVE, csv_words, gt

from config.errors import UserError
from config.schema.word_crops import (
    GtTxtWords,
)
from data.recognition.readers import open_words
from data.recognition.readers.label_lines import choose_separator


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_belong_to_no_label(root: Path, end: str, mark: str) -> None:
    lines = [
        'a.jpg, "JOINT"',
        'b.png, "Genaxis Theatre"',
        r'c.PNG, "\"SCAN\""',
        r'd.bmp, "back\\slash"',
        "e.webp, bare",
    ]
    assert gt(root, mark + end.join(lines) + end) == list(
        zip(FIVE, ["JOINT", "Genaxis Theatre", '"SCAN"', "back\\slash", "bare"], strict=True)
    )
    lines = ["filename,words", "a.jpg,one", "b.png,two, three", 'c.PNG,5" pipe', "d.bmp,it's", "e.webp,größe"]
    assert csv_words(root, mark + end.join(lines)) == ["one", "two, three", '5" pipe', "it's", "größe"]


@pytest.mark.parametrize(
    ("lines", "labels"),
    [
        ('a.jpg\tYou\nb.png\ttwo words\nc.PNG\ta,b\nd.bmp\t"q"\n', ["You", "two words", "a,b", '"q"']),
        ('a.jpg You\nb.png two words\nc.PNG a,b\nd.bmp "q"\n', ["You", "two words", "a,b", '"q"']),
        ('a.jpg, "You"\nb.png, "two words"\nc.PNG, "a,b"\nd.bmp, "", "\n', ["You", "two words", "a,b", '", ']),
        ('a.jpg,You\nb.png,two words\nc.PNG,a,b\nd.bmp,5" pipe\n', ["You", "two words", "a,b", '5" pipe']),
    ],
)
def test_what_parts_path_and_label_is_found_out(root: Path, lines: str, labels: list[str]) -> None:
    assert [label for _, label in gt(root, lines)] == labels


def test_paths_with_spaces_and_folders(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["train/my word.JPG", "train/10 1.png", "x.y.png"])
    found = gt(tmp_path, "train/my word.JPG Hello you\ntrain/10 1.png a.png\n./x.y.png  .\n")
    # One blank parts them: what comes after it, blanks too, is the label.
    assert found == [("train/my word.JPG", "Hello you"), ("train/10 1.png", "a.png"), ("x.y.png", " .")]
    assert gt(tmp_path, "train\\my word.JPG\tHello\n") == [("train/my word.JPG", "Hello")]


def test_labels_are_in_nfc_and_otherwise_as_they_are(root: Path) -> None:
    odd = unicodedata.normalize("NFD", "Größe é ệ 각")
    found = gt(root, f"a.jpg\t{odd}\nb.png\t  two  blanks \nc.PNG\tﬁne ½ Ａ\nd.bmp\t\u00a0x\ne.webp\t]^-\\ A\n")
    assert [label for _, label in found] == [
        unicodedata.normalize("NFC", odd), "  two  blanks ", "ﬁne ½ Ａ", "\u00a0x", "]^-\\ A"
    ]  # fmt: skip


def test_every_fault_is_counted_with_its_line(root: Path) -> None:
    (root.parent / "outside.png").write_bytes(encoded(9))
    lines = [
        b"a.jpg\tgood",
        b"b.png\t",
        b"b.png\t  ",
        b"c.PNG",
        b"missing.png\tx",
        b"../outside.png\tx",
        str(root.parent / "outside.png").encode() + b"\tx",
        b"d.bmp\t\xff\xfe",
        b"",
        b"a.jpg\tgood",
        b"a.jpg\tbad",
        b"\tnothing",
        b"a.jpg/b\tx",
    ]
    (root / "gt.txt").write_bytes(b"\n".join(lines))
    reader = open_words(GtTxtWords(root=str(root), max_dropped=1.0))
    assert texts(reader) == ["good"]
    report = reader.report
    assert report.dropped == {
        "word: its label is empty": 1,
        "word: its label is white space alone": 1,
        "word: its line has no tab": 1,
        "word: its image is missing": 2,
        "word: its image was left out (its path leads outside the data root)": 2,
        "word: its line is not UTF-8": 1,
        "image: listed twice with one label": 1,
        "word: its image has another label already": 1,
        "word: its image was left out (its label names no file)": 1,
    }
    assert report.examples["word: its line has no tab"] == ["gt.txt line 4"]
    assert report.examples["word: its line is not UTF-8"] == ["gt.txt line 8"]
    assert report.examples["word: its image has another label already"] == [
        "gt.txt line 11: 'a.jpg' is 'good' and 'bad'"
    ]
    assert (report.images, report.words, report.chars) == (1, 1, 4)
    with pytest.raises(UserError, match=r"10 of 11 words \(90.91%\) are faulty, more than `max_dropped`") as caught:
        open_words(GtTxtWords(root=str(root)))
    assert "\n" not in str(caught.value)


def test_the_separator_is_that_of_most_lines() -> None:
    assert choose_separator(["a.png\tx", "b.png y", "c.png\tz"]) == "tab"
    assert choose_separator(["a.png x,y", "b.png y\tz", "c.png z"]) == "space"
    assert choose_separator(['a.png, "x"', "b.png, y", "c.png z"]) == "comma"
    assert choose_separator([]) == "tab"
