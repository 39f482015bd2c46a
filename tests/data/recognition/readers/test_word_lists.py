"""Label files and file names of every form, written here as the tools write them."""

from __future__ import annotations

import csv
import json
import pickle
import random
import string
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_files import assert_consistent, encoded, names, picture, read_in_new_process, texts, write_pictures

from config.errors import UserError
from config.schema.word_crops import (
    CaptchaWords,
    GtTxtWords,
    JsonlWords,
    JsonWords,
    LabelsCsvWords,
    TrdgWords,
)
from data.reader import UnreadableSample
from data.recognition.readers import open_word_sets, open_words
from data.recognition.readers.label_lines import choose_separator, is_quoted_csv, split_csv

FIVE = ["a.jpg", "b.png", "c.PNG", "d.bmp", "e.webp"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_pictures(tmp_path, FIVE)
    return tmp_path


def gt(root: Path, content: str | bytes, **options) -> list[tuple[str, str]]:
    (root / "gt.txt").write_bytes(content.encode() if isinstance(content, str) else content)
    reader = open_words(GtTxtWords(root=str(root), **options))
    assert_consistent(reader)
    return list(zip(names(reader), texts(reader), strict=True))


def csv_words(root: Path, content: str | bytes, **options) -> list[str]:
    (root / "labels.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return texts(open_words(LabelsCsvWords(root=str(root), **options)))


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


def test_a_link_out_of_the_root_and_a_damaged_picture_are_unreadable(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_pictures(root, [f"{number}.png" for number in range(6)])
    (tmp_path / "outside.png").write_bytes(encoded(9))
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "cut.jpg").write_bytes(encoded(1, ".jpg", 40, 80)[:-300])
    (root / "gt.txt").write_text(
        "".join(f"{number}.png\t{number}\n" for number in range(6)) + "link.png\tx\ncut.jpg\ty\n"
    )
    reader = open_words(GtTxtWords(root=str(root)))
    with pytest.raises(UnreadableSample, match="leads outside"):
        reader[6]
    with pytest.raises(UnreadableSample, match="cut off"):
        reader[7]
    (root / "3.png").unlink()
    for method in (reader.__getitem__, reader.size):
        with pytest.raises(UnreadableSample, match=r"3.png: image: missing"):
            method(3)


def test_a_dataset_whose_pictures_are_all_damaged_is_refused_with_one_sentence(root: Path) -> None:
    (root / "gt.txt").write_text("a.jpg\tx\nb.png\ty\n")
    for name in ("a.jpg", "b.png"):
        (root / name).write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UserError, match=r"2 of 2 pictures looked at cannot be read \(e.g. a.jpg: .* Git LFS") as caught:
        open_words(GtTxtWords(root=str(root)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_writer_is_told_from_easyocrs_form(tmp_path: Path, quoting: int, mark: str) -> None:
    labels = ["plain", "1,000", 'say "hi"', "a;b", '"', '""', "", "tab\tbed"]
    write_pictures(tmp_path, [f"{number}.png" for number in range(len(labels))])
    with open(tmp_path / "labels.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=mark, quoting=quoting)
        writer.writerow(["filename", "words"])
        writer.writerows((f"{number}.png", label) for number, label in enumerate(labels))
    reader = open_words(LabelsCsvWords(root=str(tmp_path), max_dropped=1.0))
    assert texts(reader) == [label for label in labels if label]
    assert reader.report.dropped == {"word: its label is empty": 1}


def test_quotes_of_easyocrs_form_belong_to_the_label(root: Path) -> None:
    lines = 'filename,words\na.jpg,"word"\nb.png,"yes, sir"\nc.PNG,1,000\nd.bmp,5" pipe\n'
    assert csv_words(root, lines) == ['"word"', '"yes, sir"', "1,000", '5" pipe']
    assert csv_words(root, lines, quotes="csv", max_dropped=1.0) == ["word", "yes, sir"]
    assert csv_words(root, 'filename,words\na.jpg,"1,000"\n') == ["1,000"]
    assert csv_words(root, 'filename,words\na.jpg,"1,000"\n', quotes="keep") == ['"1,000"']
    (root / "shard.json").write_text("{}")
    assert csv_words(root, 'filename,words\na.jpg,"1,000"\n') == ['"1,000"'], "the generator knows no quoting"


@given(st.lists(st.text(string.ascii_letters + string.digits + "\",;' .", min_size=1, max_size=6), min_size=1))
def test_what_a_csv_writer_quotes_is_read_as_written(labels: list[str]) -> None:
    import io

    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows((f"{number}.png", label) for number, label in enumerate(labels))
    lines = file.getvalue().split("\n")[:-1]
    found = [line.text for line in split_csv(list(enumerate(lines)), ",", True)]
    assert found == labels
    if any(mark in label for label in labels for mark in ',"'):
        assert is_quoted_csv(lines, ",")
    plain = [f"{number}.png,{label}" for number, label in enumerate(labels)]
    assert [line.text for line in split_csv(list(enumerate(plain)), ",", False)] == [label.rstrip() for label in labels]


def test_a_header_is_optional_and_has_two_columns(root: Path) -> None:
    assert csv_words(root, "a.jpg,one\nb.png,two\n") == ["one", "two"]
    assert csv_words(root, '"filename","words"\n"a.jpg","one"\n"b.png","two"\n') == ["one", "two"]
    with pytest.raises(UserError, match="names 3 columns; this format has two, `filename,words`"):
        csv_words(root, "filename,words,language\na.jpg,one,en\n")


def test_folders_of_folders_are_joined_and_hidden_ones_are_not(tmp_path: Path) -> None:
    for part in ("b/part_10", "b/part_2", ".ipynb_checkpoints", "a"):
        write_pictures(tmp_path / part, ["1.png", "2.png"])
        (tmp_path / part / "labels.csv").write_text(f"filename,words\n1.png,{part} one\n2.png,{part} two\n")
    reader = open_words(LabelsCsvWords(root=str(tmp_path)))
    assert_consistent(reader)
    assert texts(reader) == [f"{part} {which}" for part in ("a", "b/part_2", "b/part_10") for which in ("one", "two")]
    assert names(reader)[2] == "b/part_2/1.png"


def test_shards_are_complete(tmp_path: Path) -> None:
    for number in (1, 3):
        write_pictures(tmp_path / f"shard_{number:04}_of_0003", ["1.png"])
        (tmp_path / f"shard_{number:04}_of_0003" / "labels.csv").write_text("filename,words\n1.png,x\n")
    with pytest.raises(UserError, match=r"1 of 3 shards are missing \(number 2\)"):
        open_words(LabelsCsvWords(root=str(tmp_path)))


def test_select_takes_a_range_of_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"word_{number}.png" for number in range(1, 21)])
    (tmp_path / "gt.txt").write_text("".join(f'word_{number}.png, "w{number}"\n' for number in range(1, 21)))
    assert texts(open_words(GtTxtWords(root=str(tmp_path), select="3-5"))) == ["w3", "w4", "w5"]
    assert texts(open_words(GtTxtWords(root=str(tmp_path), samples=4))) == ["w1", "w6", "w11", "w16"]
    with pytest.raises(UserError, match=r"`select: 30-40` takes none of the 20 images"):
        open_words(GtTxtWords(root=str(tmp_path), select="30-40"))


def test_captchas_are_split_by_seed_whatever_their_order(tmp_path: Path) -> None:
    labels = [f"{number:03d}ab" for number in range(30)]
    write_pictures(tmp_path, [f"{label}.png" for label in random.Random(0).sample(labels, 30)])

    def part(which: str, **options) -> set[str]:
        return set(texts(open_words(CaptchaWords(root=str(tmp_path), part=which, **options))))

    test, train = part("test", test_count=7), part("train", test_count=7)
    assert len(test) == 7 and len(train) == 23 and test | train == set(labels)
    assert part("test", test_count=7) == test != part("test", test_count=7, seed=2)
    assert len(part("test")) == 6 and len(part("test", test_share=0.1)) == 3
    # Those of a smaller test are among those of a larger one, and others come without moving the rest.
    assert part("test", test_count=3) < test
    write_pictures(tmp_path, ["030ab.png"])
    assert len(part("test", test_count=7) ^ test) <= 2
    with pytest.raises(UserError, match="`test_count` puts 31 of 31 pictures into the test"):
        part("train", test_count=31)


def test_stems_are_labels_of_every_kind_of_image(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["2b827.png", "x y.JPG", "é.Bmp", "a.b.webp", ".hidden.png", "sub/c.png"])
    (tmp_path / "notes.txt").write_text("no picture")
    reader = open_words(CaptchaWords(root=str(tmp_path)))
    assert_consistent(reader)
    assert sorted(texts(reader)) == ["2b827", "a.b", "x y", "é"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no images"):
        open_words(CaptchaWords(root=str(tmp_path), images="empty"))


def test_trdg_names_its_files_by_label_and_number(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["Hello_you_0.jpg", "a_b_12.png", "x_.jpg", "nolabel.jpg", "_3.jpg"])
    reader = open_words(TrdgWords(root=str(tmp_path), max_dropped=1.0))
    assert texts(reader) == ["a_b", "Hello_you"]
    assert reader.report.dropped == {"word: its file name is not LABEL_NUMBER": 3}
    other = tmp_path / "other"
    write_pictures(other, ["0_Hello_you.jpg", "12_a.png"])
    assert texts(open_words(TrdgWords(root=str(other), names="number_label"))) == ["Hello_you", "a"]


def test_jsonl_and_its_faults(root: Path) -> None:
    lines = [
        '{"filename": "a.jpg", "text": "one \\u00e9"}',
        '{"filename": "b.png", "text": 5}',
        '{"file_name": "c.PNG", "text": "x"}',
        "not json",
        "[1]",
        '{"filename": "d.bmp", "text": "\\ud800"}',
        "[" * 100_000,
    ]
    (root / "labels.jsonl").write_text("\n".join(lines), encoding="utf-8-sig")
    reader = open_words(JsonlWords(root=str(root), max_dropped=1.0))
    assert_consistent(reader)
    assert texts(reader) == ["one é"]
    assert reader.report.dropped == {
        "word: its object has no text under the key `text`": 1,
        "word: its object has no text under the key `filename`": 1,
        "word: its line is no JSON": 2,
        "word: it is no JSON object": 1,
        "word: its label is not valid Unicode": 1,
    }
    assert (
        "it has file_name, text" in reader.report.examples["word: its object has no text under the key `filename`"][0]
    )
    assert texts(open_words(JsonlWords(root=str(root), name_key="file_name", max_dropped=1.0))) == ["x"]


@pytest.mark.parametrize(
    "document",
    [
        {"metainfo": {}, "data_list": [
            {"img_path": "a.jpg", "instances": [{"text": "one"}]}, {"img_path": "b.png", "instances": [{"text": "two"}]}
        ]},
        {"a.jpg": "one", "b.png": "two"},
        [{"filename": "a.jpg", "text": "one"}, {"filename": "b.png", "text": "two"}],
    ],
)  # fmt: skip
def test_json_documents(root: Path, document: object) -> None:
    (root / "labels.json").write_text(json.dumps(document), encoding="utf-8-sig")
    reader = open_words(JsonWords(root=str(root)))
    assert_consistent(reader)
    assert list(zip(names(reader), texts(reader), strict=True)) == [("a.jpg", "one"), ("b.png", "two")]


def test_faults_of_json_documents(root: Path) -> None:
    entries = [
        {"img_path": "a.jpg", "instances": [{"text": "one"}]},
        {"img_path": "b.png", "instances": []},
        {"img_path": "b.png", "instances": [{"text": "x"}, {"text": "y"}]},
        {"img_path": 5, "instances": [{"text": "x"}]},
        {"img_path": "b.png", "instances": [{"label": "x"}]},
        7,
    ]
    (root / "labels.json").write_text(json.dumps({"data_list": entries}))
    report = open_words(JsonWords(root=str(root), max_dropped=1.0)).report
    assert report.words == 1 and sorted(report.dropped.values()) == [1, 2, 2]
    for content, message in (
        ("{", "this is no JSON \\(line 1\\)"),
        ("version https://git-lfs", "Git LFS pointer"),
        ('{"a": 1}', "holds neither MMOCR's `data_list`, nor texts by file name"),
    ):
        (root / "labels.json").write_text(content)
        with pytest.raises(UserError, match=message) as caught:
            open_words(JsonWords(root=str(root)))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (GtTxtWords(root="nowhere"), "nowhere: this data root is not a folder"),
        (GtTxtWords(root="", labels="gtt.txt"), "this label file does not exist; did you mean 'gt.txt'"),
        (GtTxtWords(root="", images="imgs"), "this folder of images does not exist"),
        (LabelsCsvWords(root=""), "holds no labels.csv, nor does a folder in it; set the dataset's `root`"),
        (GtTxtWords(root="", labels="page.txt"), "this is no label file, it is a web page"),
        (GtTxtWords(root="", labels="wide.txt"), "it is UTF-16 text \\(save it as UTF-8\\)"),
        (GtTxtWords(root="", labels="empty.txt"), "it is an empty file"),
        (GtTxtWords(root="", samples=0), "`samples: 0` leaves no image"),
    ],
)
def test_mistakes_are_one_sentence(root: Path, config, message: str) -> None:
    (root / "gt.txt").write_text("a.jpg\tx\n")
    (root / "page.txt").write_text("<!DOCTYPE html><html></html>")
    (root / "wide.txt").write_text("a.jpg\tx\n", encoding="utf-16")
    (root / "empty.txt").write_text("")
    config = config.model_copy(update={"root": str(root / config.root)})
    with pytest.raises(UserError, match=message) as caught:
        open_words(config)
    assert "\n" not in str(caught.value)


def test_joined_datasets(root: Path) -> None:
    (root / "one.txt").write_text("a.jpg\tx\nb.png\ty\nmissing.png\tz\n")
    (root / "two.txt").write_text("c.PNG\tz\nmissing.png\tz\n")
    configs = [GtTxtWords(root=str(root), labels=name, max_dropped=1.0) for name in ("one.txt", "two.txt")]
    reader = open_word_sets(configs)
    assert_consistent(reader)
    assert texts(reader) == ["x", "y", "z"] and reader.report.words == 3
    assert reader.report.dropped == {"word: its image is missing": 2}
    assert np.array_equal(reader[2].image, picture(2))
    with pytest.raises(UserError, match="there is no dataset of words"):
        open_word_sets([])


def test_a_reader_is_small_and_reads_in_a_new_process(root: Path) -> None:
    (root / "gt.txt").write_text("".join(f"{name}\tlabel {name}\n" for name in FIVE))
    reader = open_words(GtTxtWords(root=str(root)))
    assert len(pickle.dumps(reader)) < 1500
    name, text, pixels = read_in_new_process(reader, 2)
    assert (name, text, pixels) == ("c.PNG", "label c.PNG", picture(2).tobytes())


def test_fingerprints_change_with_labels_and_names(root: Path) -> None:
    def print_of(content: str) -> str:
        (root / "gt.txt").write_text(content)
        return open_words(GtTxtWords(root=str(root))).fingerprint()

    one = print_of("a.jpg\tx\nb.png\ty\n")
    assert print_of("\ufeffa.jpg x\r\nb.png y\r\n") == one, "the same in another form"
    others = [print_of("a.jpg\tx\nb.png\tz\n"), print_of("a.jpg\tx\nc.PNG\ty\n"), print_of("b.png\ty\na.jpg\tx\n")]
    assert len({one, *others}) == 4


def test_the_separator_is_that_of_most_lines() -> None:
    assert choose_separator(["a.png\tx", "b.png y", "c.png\tz"]) == "tab"
    assert choose_separator(["a.png x,y", "b.png y\tz", "c.png z"]) == "space"
    assert choose_separator(['a.png, "x"', "b.png, y", "c.png z"]) == "comma"
    assert choose_separator([]) == "tab"
