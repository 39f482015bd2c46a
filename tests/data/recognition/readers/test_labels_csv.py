"""EasyOCR's labels.csv, written by hand, by a CSV writer and by the generator, in one folder and in many."""

from __future__ import annotations

import csv
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from word_files import assert_consistent, names, texts, write_pictures
from word_lists import csv_words

from config.errors import UserError
from config.schema.word_crops import (
    LabelsCsvWords,
)
from data.recognition.readers import open_words
from data.recognition.readers.label_lines import is_quoted_csv, split_csv


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_writer_is_told_from_easyocrs_form(tmp_path: Path, quoting: int, mark: str) -> None:
    labels = ["plain", "1,000", 'say "hi"', "a;b", '"', '""', "", "tab\tbed"]
    write_pictures(tmp_path, [f"{index}.png" for index in range(len(labels))])
    with open(tmp_path / "labels.csv", "w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=mark, quoting=quoting)
        writer.writerow(["filename", "words"])
        writer.writerows((f"{index}.png", label) for index, label in enumerate(labels))
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
    csv.writer(file, lineterminator="\n").writerows((f"{index}.png", label) for index, label in enumerate(labels))
    lines = file.getvalue().split("\n")[:-1]
    found = [line.text for line in split_csv(list(enumerate(lines)), ",", True)]
    assert found == labels
    if any(mark in label for label in labels for mark in ',"'):
        assert is_quoted_csv(lines, ",")
    plain = [f"{index}.png,{label}" for index, label in enumerate(labels)]
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
    for index in (1, 3):
        write_pictures(tmp_path / f"shard_{index:04}_of_0003", ["1.png"])
        (tmp_path / f"shard_{index:04}_of_0003" / "labels.csv").write_text("filename,words\n1.png,x\n")
    with pytest.raises(UserError, match=r"1 of 3 shards are missing \(number 2\)"):
        open_words(LabelsCsvWords(root=str(tmp_path)))
