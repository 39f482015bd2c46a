"""Conversions: there and back again, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from word_files import encoded, names, texts, write_pictures

from config.errors import UserError
from config.schema.conversion import ConvertConfig
from config.schema.word_crops import CutWords, GeneratedWords, GtTxtWords, JsonlWords, LabelsCsvWords, LmdbWords
from config.schema.word_datasets import IcdarDataset
from data.recognition import convert as module
from data.recognition.convert import convert
from data.recognition.readers import open_words

LABELS = ["plain", "with,comma", '"quoted"', "it's", "two words", "größe", ']^-\\ "A"', "😀", '5" pipe', '"1,000"']
SUFFIXES = [".jpg", ".png", ".bmp", ".webp", ".tif"]
READ = {"lmdb": LmdbWords, "labels_csv": LabelsCsvWords, "jsonl": JsonlWords}


@pytest.fixture
def source(tmp_path: Path) -> GtTxtWords:
    root = tmp_path / "source"
    files = {f"p/{index}{SUFFIXES[index % 5]}": index for index in range(len(LABELS))}
    write_pictures(root, files)
    (root / "gt.txt").write_text("".join(f"{name}\t{LABELS[number]}\n" for name, number in files.items()))
    return GtTxtWords(root=str(root))


def job(tmp_path: Path, *datasets, to: str = "lmdb", name: str = "out", **options) -> ConvertConfig:
    return ConvertConfig(datasets=list(datasets), to=to, output_dir=str(tmp_path / "made" / name), **options)


@pytest.mark.parametrize("to", list(READ))
def test_every_form_holds_the_same_bytes_and_labels(tmp_path: Path, source: GtTxtWords, to: str) -> None:
    report = convert(job(tmp_path, source, to=to))
    assert (report.words, report.chars) == (len(LABELS), sum(map(len, LABELS)))
    before, other = open_words(source), open_words(READ[to](root=str(tmp_path / "made/out"), max_dropped=0.0))
    assert texts(other) == LABELS and not other.report.dropped
    assert [other.raw(k) for k in range(len(other))] == [before.raw(k) for k in range(len(before))]
    # And back, through each of the others.
    for again in READ:
        convert(job(tmp_path, READ[to](root=str(tmp_path / "made/out")), to=again, name=again))
        back = open_words(READ[again](root=str(tmp_path / "made" / again)))
        assert texts(back) == LABELS and [back.raw(k) for k in range(len(back))] == [
            before.raw(k) for k in range(len(before))
        ]
    facts = json.loads((tmp_path / "made/out/converted.json").read_text())
    assert facts["words"] == len(LABELS) and facts["source"] == before.fingerprint() and facts["format"] == to


def test_the_same_data_gives_the_same_files(tmp_path: Path, source: GtTxtWords) -> None:
    for to in READ:
        folders = []
        for name in ("one", "two"):
            convert(job(tmp_path, source, to=to, name=f"{name}_{to}"))
            folder = tmp_path / "made" / f"{name}_{to}"
            folders.append({path.name: path.read_bytes() for path in folder.iterdir()})
        assert folders[0] == folders[1]


def test_easyocr_reads_what_is_written(tmp_path: Path, source: GtTxtWords) -> None:
    convert(job(tmp_path, source, to="labels_csv"))
    lines = (tmp_path / "made/out/labels.csv").read_bytes().decode().split("\n")
    assert lines[0] == "filename,words" and lines[-1] == ""
    assert [line.partition(",")[2] for line in lines[1:-1]] == LABELS
    assert [line.partition(",")[0] for line in lines[1:3]] == ["word_000000001.jpg", "word_000000002.png"]


def test_crops_and_drawn_words_are_written_without_loss(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    write_pictures(scenes / "images", {"img_1.png": 0})
    (scenes / "images/img_1.png").write_bytes(encoded(0, ".png", 60, 100))
    (scenes / "labels").mkdir()
    (scenes / "labels/gt_img_1.txt").write_text("10,10,40,14,38,26,9,22,Two\n44,15,80,20,80,30,44,25,words\n")
    cut = CutWords(dataset=IcdarDataset(root=str(scenes), images="images", labels="labels"))
    drawn = GeneratedWords(recipe="generate_lines", set=["splits={train: 3}", "crops.height=16"])
    convert(job(tmp_path, cut, drawn, to="jsonl"))
    made = open_words(JsonlWords(root=str(tmp_path / "made/out")))
    before, other = open_words(cut), open_words(drawn)
    assert texts(made) == texts(before) + texts(other)
    for k in range(5):
        assert np.array_equal(made[k].image, before[k].image if k < 2 else other[k - 2].image)
    assert names(made)[1:3] == ["word_000000002.png", "word_000000003.jpg"]


def test_what_cannot_be_written_is_counted_or_stops_the_job(tmp_path: Path, source: GtTxtWords) -> None:
    root = Path(source.root)
    with open(root / "gt.txt", "a", encoding="utf-8") as file:
        file.write("p/0.jpg\n")
    (root / "p/3.webp").write_bytes(b"<html>")
    (root / "p/6.png").write_bytes((root / "p/6.png").read_bytes()[:-30])
    source = source.model_copy(update={"max_dropped": 1.0})
    with pytest.raises(UserError, match=r"2 of 10 words \(20.00%\) cannot be written as jsonl, more than") as caught:
        convert(job(tmp_path, source, to="jsonl"))
    assert "6.png" in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "made").exists()
    report = convert(job(tmp_path, source, to="jsonl", max_dropped=0.2))
    assert report.words == 8 and sum(report.dropped.values()) == 2
    assert texts(open_words(JsonlWords(root=str(tmp_path / "made/out")))) == [
        label for index, label in enumerate(LABELS) if index not in (3, 6)
    ]


def test_labels_that_easyocr_would_change_are_not_written_for_it(tmp_path: Path) -> None:
    root = tmp_path / "source"
    write_pictures(root, ["0.png", "1.png", "2.png", "3.png"])
    entries = [{"filename": f"{k}.png", "text": text} for k, text in enumerate(["ok", " blank", "two\nlines", "a b"])]
    (root / "labels.jsonl").write_text("\n".join(map(json.dumps, entries)))
    report = convert(job(tmp_path, JsonlWords(root=str(root)), to="labels_csv", max_dropped=0.5))
    assert sum(report.dropped.values()) == 2
    assert texts(open_words(LabelsCsvWords(root=str(tmp_path / "made/out")))) == ["ok", "a b"]
    convert(job(tmp_path, JsonlWords(root=str(root)), to="lmdb", name="lmdb"))
    assert texts(open_words(LmdbWords(root=str(tmp_path / "made/lmdb"))))[2] == "two\nlines"


def test_nothing_of_others_is_replaced(tmp_path: Path, source: GtTxtWords) -> None:
    convert(job(tmp_path, source, to="jsonl"))
    with pytest.raises(
        UserError, match="holds an earlier conversion; choose another output_dir, or set overwrite=true"
    ):
        convert(job(tmp_path, source))
    convert(job(tmp_path, source, overwrite=True))
    assert sorted(path.name for path in (tmp_path / "made/out").iterdir()) == ["converted.json", "data.mdb"]
    (tmp_path / "made/own").mkdir()
    (tmp_path / "made/own/thesis.txt").write_text("x")
    with pytest.raises(UserError, match="holds something that no conversion made"):
        convert(job(tmp_path, source, name="own", overwrite=True))
    (tmp_path / "made/empty").mkdir()
    convert(job(tmp_path, source, name="empty"))
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["empty", "out", "own"], "no hidden rest"


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("to", list(READ))
def test_an_interrupted_conversion_leaves_nothing(
    tmp_path: Path, source: GtTxtWords, monkeypatch: pytest.MonkeyPatch, error: BaseException, to: str
) -> None:
    read = module._image_file

    def failing(reader, index: int, name: str):
        if index == 7:
            raise error
        return read(reader, index, name)

    monkeypatch.setattr(module, "_image_file", failing)
    with pytest.raises((UserError, KeyboardInterrupt)) as caught:
        convert(job(tmp_path, source, to=to))
    if isinstance(caught.value, UserError):
        assert "No space left on device" in str(caught.value) and "nothing was made" in str(caught.value)
    assert not (tmp_path / "made").exists()


def test_a_place_that_cannot_be_is_one_sentence(tmp_path: Path, source: GtTxtWords) -> None:
    (tmp_path / "file").write_text("x")
    config = job(tmp_path, source).model_copy(update={"output_dir": str(tmp_path / "file/out")})
    with pytest.raises(UserError, match="cannot be written") as caught:
        convert(config)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="there is no dataset of words"):
        convert(job(tmp_path))
