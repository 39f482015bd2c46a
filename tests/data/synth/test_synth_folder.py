"""Folders of crops with `labels.csv`, read back by the parse of EasyOCR's trainer."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import pytest
from synth_recipes import load

from data.recognition.writers.folder import FolderItem, label_line
from data.recognition.writers.lmdb import LmdbItem
from data.synth.crop.draw import draw_crop
from data.synth.resources import Resources
from data.synth.writing.crops import FolderOutput, LmdbOutput

HARD = [
    "a,b",
    ",",
    ",,x",
    '"',
    '"q"',
    'say "hi", ok',
    "it's",
    "two words",
    "NA",
    "null",
    "007",
    "1.50",
    "#x;'",
    "\\n",
    "é€",
]


def easyocr_rows(folder: Path) -> list[tuple[str, str]]:
    """Return (filename, words) as pandas gives them for the separator `^([^,]+),` with the Python engine.

    That engine parts each stripped line by the regular expression, whose group stays between the parts; it neither
    knows quotes nor comments. The columns are found by the names in the first line. Checked against pandas 3.1.
    """
    separator = re.compile("^([^,]+),")
    with open(folder / "labels.csv", encoding="utf-8", newline="") as file:
        rows = [separator.split(line.strip()) for line in file]
    header = rows[0]
    name, words = header.index("filename"), header.index("words")
    assert all(len(row) == 3 for row in rows)
    return [(row[name], row[words]) for row in rows[1:]]


def written(folder: Path, labels: list[str]) -> list[FolderItem]:
    items = []
    for index, label in enumerate(labels):
        name = f"crop_{index:09d}.jpg"
        (folder / name).write_bytes(b"jpeg")
        items.append(FolderItem(name, 4, label))
    return items


def test_labels_with_commas_quotes_and_spaces_are_read_as_they_are(tmp_path: Path) -> None:
    summary = FolderOutput().finish(tmp_path, iter(written(tmp_path, HARD)))
    assert [words for _, words in easyocr_rows(tmp_path)] == HARD
    text = (tmp_path / "labels.csv").read_bytes()
    assert text.startswith(b"filename,words\n") and b"\r" not in text and not text.startswith(b"\xef\xbb\xbf")
    assert summary.files["labels.csv"] == len(text)
    assert summary.counts == {"crops": len(HARD), "characters": sum(map(len, HARD))}


@pytest.mark.parametrize("label", ["two\nlines", "a\rb", " ahead", "behind ", "behind\u3000", "\u00a0"])
def test_labels_that_would_be_read_differently_are_refused(tmp_path: Path, label: str) -> None:
    if label != label.rstrip() or "\n" in label or "\r" in label:
        with pytest.raises(ValueError, match="cannot be written"):
            label_line("a.jpg", label)
    else:  # white space after the comma is inside the line, and kept
        assert label_line("a.jpg", label) == f"a.jpg,{label}\n"


@pytest.mark.parametrize("name", ["", "a,b.jpg", " a.jpg"])
def test_names_that_would_be_read_differently_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        label_line(name, "label")


def test_drawn_crops_come_back_with_their_labels(tmp_path: Path) -> None:
    config = load("generate_lines", splits={"train": 30, "test": 20})
    resources = Resources.load(config)
    output = FolderOutput()
    summary = output.finish(
        tmp_path, [output.draw(config, resources, tmp_path, "train", index) for index in range(5, 30)]
    )
    rows = easyocr_rows(tmp_path)
    assert len(rows) == 25 and not any(path.is_dir() for path in tmp_path.iterdir())
    for index, (name, words) in enumerate(rows, start=5):
        crop = draw_crop(config, resources, "train", index)
        image = cv2.imread(str(tmp_path / name))
        assert name == f"crop_{index:09d}.jpg"
        assert words == crop.text and image.shape == crop.image.shape
    assert summary.files == {path.name: path.stat().st_size for path in tmp_path.iterdir()}


def test_both_formats_have_the_same_hash_for_the_same_labels(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "lmdb").mkdir()
    folder = FolderOutput().finish(tmp_path / "folder", iter(written(tmp_path / "folder", HARD)))
    database = LmdbOutput().finish(tmp_path / "lmdb", (LmdbItem(b"jpeg", label) for label in HARD))
    assert folder.annotation_sha256 == database.annotation_sha256


def test_a_folder_that_is_gone_is_not_made_again(tmp_path: Path) -> None:
    config = load("generate_lines", splits={"train": 5, "test": 5})
    resources = Resources.load(config)
    with pytest.raises(OSError):
        FolderOutput().draw(config, resources, tmp_path / "gone", "train", 0)
    with pytest.raises(OSError):
        FolderOutput().finish(tmp_path / "gone", iter(()))
    assert not (tmp_path / "gone").exists()
