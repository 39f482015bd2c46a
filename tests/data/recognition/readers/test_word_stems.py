"""Labels in file names: CAPTCHAs and what TRDG writes."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from word_files import assert_consistent, texts, write_pictures

from config.errors import UserError
from config.schema.word_crops import (
    CaptchaWords,
    TrdgWords,
)
from data.recognition.readers import open_words


def test_captchas_are_split_by_seed_whatever_their_order(tmp_path: Path) -> None:
    labels = [f"{index:03d}ab" for index in range(30)]
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
