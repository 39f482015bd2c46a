"""What holds of every list of word pictures: damage, choices, mistakes, joining, processes and fingerprints."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from word_files import assert_consistent, encoded, picture, read_in_new_process, texts, write_pictures
from word_lists import FIVE

from config.errors import UserError
from config.schema.word_crops import (
    GtTxtWords,
    LabelsCsvWords,
)
from data.reader import UnreadableSample
from data.recognition.readers import open_word_sets, open_words


def test_a_link_out_of_the_root_and_a_damaged_picture_are_unreadable(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_pictures(root, [f"{index}.png" for index in range(6)])
    (tmp_path / "outside.png").write_bytes(encoded(9))
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "cut.jpg").write_bytes(encoded(1, ".jpg", 40, 80)[:-300])
    (root / "gt.txt").write_text("".join(f"{index}.png\t{index}\n" for index in range(6)) + "link.png\tx\ncut.jpg\ty\n")
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


def test_pictures_in_another_folder_are_asked_for(tmp_path: Path) -> None:
    write_pictures(tmp_path / "imgs", ["a.jpg", "b.png"])
    (tmp_path / "gt.txt").write_text("a.jpg\tx\nb.png\ty\n")
    with pytest.raises(UserError, match=r"none of the 2 pictures is there .*gt\.txt line 1: 'a\.jpg'.*`images`"):
        open_words(GtTxtWords(root=str(tmp_path)))
    assert texts(open_words(GtTxtWords(root=str(tmp_path), images="imgs"))) == ["x", "y"]


def test_select_takes_a_range_of_numbers(tmp_path: Path) -> None:
    write_pictures(tmp_path, [f"word_{index}.png" for index in range(1, 21)])
    (tmp_path / "gt.txt").write_text("".join(f'word_{index}.png, "w{index}"\n' for index in range(1, 21)))
    assert texts(open_words(GtTxtWords(root=str(tmp_path), select="3-5"))) == ["w3", "w4", "w5"]
    assert texts(open_words(GtTxtWords(root=str(tmp_path), samples=4))) == ["w1", "w6", "w11", "w16"]
    with pytest.raises(UserError, match=r"`select: 30-40` takes none of the 20 images"):
        open_words(GtTxtWords(root=str(tmp_path), select="30-40"))


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

    first = print_of("a.jpg\tx\nb.png\ty\n")
    assert print_of("\ufeffa.jpg x\r\nb.png y\r\n") == first, "the same in another form"
    others = [print_of("a.jpg\tx\nb.png\tz\n"), print_of("a.jpg\tx\nc.PNG\ty\n"), print_of("b.png\ty\na.jpg\tx\n")]
    assert len({first, *others}) == 4
