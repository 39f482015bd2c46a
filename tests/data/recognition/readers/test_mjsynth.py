"""MJSynth's annotation files, and the index that is made of them."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from word_files import assert_consistent, encoded, names, picture, read_in_new_process, texts, write_pictures

from config.errors import UserError
from config.schema.word_crops import MjsynthWords
from data.reader import DropReport, UnreadableSample
from data.recognition.readers import line_index, mjsynth, open_words

LINES = [
    "./2425/1/115_Lube_45484.jpg 45484",
    "./2425/1/114_Spencerian_73323.jpg 73323",
    "./2425/1/113_accommodatingly_613.jpg 613",
    "./3000/7/1_CARPENTER_11713.jpg 11713",
]
LABELS = ["Lube", "Spencerian", "accommodatingly", "CARPENTER"]
PATHS = [line.split()[0][2:] for line in LINES]


def dataset(root: Path, lines: list[str] | None = None, end: str = "\n", **options) -> MjsynthWords:
    root.mkdir(exist_ok=True)
    (root / "annotation_train.txt").write_bytes(end.join([*(LINES if lines is None else lines), ""]).encode())
    return MjsynthWords(root=str(root), **options)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_labels_are_in_the_names(tmp_path: Path, end: str) -> None:
    write_pictures(tmp_path, PATHS)
    reader = open_words(dataset(tmp_path, end=end))
    assert_consistent(reader)
    assert texts(reader) == LABELS and names(reader) == PATHS
    assert reader.path(1) == tmp_path / PATHS[1] and reader.raw(1) == encoded(1, ".jpg")
    assert (reader.report.words, reader.report.chars) == (4, sum(map(len, LABELS)))
    subset = open_words(dataset(tmp_path, end=end, samples=2))
    assert texts(subset) == ["Lube", "accommodatingly"]


def test_odd_lines_are_read_and_faulty_ones_counted(tmp_path: Path) -> None:
    lines = [
        *LINES[:2],
        "",
        "1_no folder_2.png",
        "./a/1_größe_2.jpg 2",
        "./a/1_under_score_2.jpg 2",
        "./a/1_nothing.jpg 2",
        "./a/1__2.jpg 2",
        "../../1_outside_2.jpg 2",
        "/etc/1_outside_2.jpg",
        "annotation.txt",
        LINES[3],
    ]
    write_pictures(tmp_path, [*PATHS, "1_no folder_2.png", "a/1_größe_2.jpg", "a/1_under_score_2.jpg"])
    config = dataset(tmp_path, lines, max_dropped=1.0)
    path = tmp_path / "annotation_train.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"./a/1_\xff_2.jpg 2")  # and no line end
    reader = open_words(config)
    assert_consistent(reader)
    assert texts(reader) == ["Lube", "Spencerian", "no folder", "größe", "under_score", "CARPENTER"]
    assert names(reader)[3] == "a/1_größe_2.jpg"
    assert reader.report.dropped == {
        "word: its line names no NUMBER_LABEL_NUMBER.jpg": 3,
        "word: its image was left out (its path leads outside the data root)": 2,
        "word: its line is not UTF-8": 1,
    }
    assert reader.report.examples["word: its line names no NUMBER_LABEL_NUMBER.jpg"][0].startswith("line 7: ")
    with pytest.raises(UserError, match=r"6 of 12 words \(50.00%\) are faulty"):
        open_words(config.model_copy(update={"max_dropped": 0.3}))


def test_the_quick_way_finds_what_the_slow_one_finds() -> None:
    rng = np.random.default_rng(0)
    letters = "abcXYZ019"
    lines = [
        f"./{rng.integers(5000)}/{rng.integers(9)}/{rng.integers(300)}_"
        f"{''.join(rng.choice(list(letters), rng.integers(1, 12)))}_{rng.integers(90000)}.jpg {rng.integers(90000)}"
        for _ in range(500)
    ]
    data = ("\n".join(lines) + "\n").encode()
    quick, slow = DropReport(), DropReport()
    starts = mjsynth.parse_lines(data, 1, 3, quick)
    each, chars = mjsynth._parse_each(data, 1, 3, slow)
    assert starts == each == [3 + match.start() for match in re.finditer(rb"^.", data, re.MULTILINE)]
    assert quick.chars == chars and quick.words == 500 and not quick.dropped and not slow.dropped
    # One odd line in a block sends all of it the slow way, which finds the same.
    assert mjsynth.parse_lines(data + b"odd\n", 1, 3, quick) == starts
    assert quick.dropped == {"word: its line names no NUMBER_LABEL_NUMBER.jpg": 1}
    assert quick.examples["word: its line names no NUMBER_LABEL_NUMBER.jpg"][0] == "line 501: 'odd'"


def test_blocks_end_with_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, PATHS)
    config = dataset(tmp_path, [*LINES[:2], "odd", *LINES[2:]], max_dropped=1.0)
    whole = open_words(config)
    for size in (1, 7, 34, 60, 100):
        monkeypatch.setattr(line_index, "_BLOCK", size)
        index_dir = str(tmp_path / f"index{size}")
        reader = open_words(config.model_copy(update={"index_dir": index_dir}))
        assert texts(reader) == texts(whole) == LABELS
        assert reader.report == whole.report
        assert reader.report.examples == {"word: its line names no NUMBER_LABEL_NUMBER.jpg": ["line 3: 'odd'"]}


def test_the_index_is_made_once_and_anew_when_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, PATHS)
    first = open_words(dataset(tmp_path))
    home = tmp_path / "annotation_train.txt.index"
    made = sorted(path.name for path in home.iterdir())
    assert len(made) == 2 and all(name.startswith("annotation_train.txt-") for name in made)
    with monkeypatch.context() as context:
        context.setattr(line_index, "_make", None)  # which would be called
        again = open_words(MjsynthWords(root=str(tmp_path)))
    assert texts(again) == texts(first) and again.report == first.report
    assert again.fingerprint() == first.fingerprint()
    other = open_words(dataset(tmp_path, LINES[1:]))
    assert texts(other) == LABELS[1:] and other.fingerprint() != first.fingerprint()
    assert len(list(home.iterdir())) == 2, "the old one was removed"
    # Half an index is none.
    next(home.glob("*.json")).unlink()
    assert texts(open_words(MjsynthWords(root=str(tmp_path)))) == LABELS[1:]
    starts = next(home.glob("*.npy"))
    starts.write_bytes(starts.read_bytes()[:-8])
    assert texts(open_words(MjsynthWords(root=str(tmp_path)))) == LABELS[1:]


def test_a_read_only_dataset_is_indexed_in_the_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path / "data", PATHS)
    config = dataset(tmp_path / "data")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "data").chmod(0o555)
    try:
        assert texts(open_words(config)) == LABELS
        assert len(list((tmp_path / "cache" / "ocr-trainer").iterdir())) == 2
        (tmp_path / "file").write_text("")
        with pytest.raises(UserError, match="no folder for its index can be written") as caught:
            open_words(config.model_copy(update={"index_dir": str(tmp_path / "file" / "x")}))
        assert "\n" not in str(caught.value)
    finally:
        (tmp_path / "data").chmod(0o755)


def test_pictures_are_not_looked_for_beforehand_but_a_dataset_without_any_is_refused(tmp_path: Path) -> None:
    write_pictures(tmp_path, PATHS[:3])
    reader = open_words(dataset(tmp_path))
    with pytest.raises(UnreadableSample, match=r"3000/7/1_CARPENTER_11713.jpg: image: missing"):
        reader[3]
    for path in PATHS[:3]:
        (tmp_path / path).unlink()
    with pytest.raises(UserError, match=r"4 of 4 pictures looked at cannot be read .*image: missing"):
        open_words(dataset(tmp_path))
    with pytest.raises(
        UserError, match=r"annotation_tran.txt: this label file does not exist; did you mean 'annotation_train"
    ):
        open_words(dataset(tmp_path, labels="annotation_tran.txt"))


def test_a_reader_is_small_and_reads_in_a_new_process(tmp_path: Path) -> None:
    write_pictures(tmp_path, PATHS)
    reader = open_words(dataset(tmp_path, LINES * 1000, samples=4))
    reader[0]
    assert len(pickle.dumps(reader)) < 1500
    expected = reader[1].image.tobytes()
    assert read_in_new_process(reader, 1) == (PATHS[0], "Lube", expected)
    assert reader[1].image.shape == picture(0).shape
