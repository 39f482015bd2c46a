"""Datasets as their authors publish them; they lie beside the project and not in it."""

from __future__ import annotations

from collections import Counter

import cv2
import numpy as np
import pytest
from word_files import REAL, assert_consistent, names, texts

from config.errors import UserError
from config.schema.word_crops import CaptchaWords, CutWords, GtTxtWords, JsonlWords, JsonWords, LmdbWords
from config.schema.word_datasets import IcdarDataset
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import LabelRule, filter_words
from data.recognition.readers import open_words

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data")

FORMS = str(REAL / "rec_formats")
TEN = ["GRAND", "HOTEL", "HOTEL", "PACIFIC", "03/09/2009", "ANING", "Virgin", "america", "ATTACK", "DAVIDSON"]


@pytest.mark.parametrize(
    "config",
    [
        LmdbWords(root=f"{FORMS}/imgs.lmdb"),
        LmdbWords(root=f"{FORMS}/label.lmdb", images="imgs"),
        GtTxtWords(root=FORMS, labels="old_label.txt", images="imgs"),
        JsonlWords(root=FORMS, labels="old_label.jsonl", images="imgs"),
        JsonWords(root=FORMS, images="imgs"),
    ],
    ids=["lmdb", "lmdb labels alone", "txt", "jsonl", "json"],
)
def test_one_dataset_in_every_form(config) -> None:
    reader = open_words(config)
    assert_consistent(reader)
    assert texts(reader) == TEN and not reader.report.dropped
    files = open_words(JsonWords(root=FORMS, images="imgs"))
    assert all(np.array_equal(reader[k].image, files[k].image) for k in range(10))


def test_the_broken_lmdb_is_refused_with_one_sentence() -> None:
    with pytest.raises(UserError, match=r"broken.lmdb: 1 of 1 pictures looked at cannot be read .*cut off") as caught:
        open_words(LmdbWords(root=f"{FORMS}/broken.lmdb"))
    assert "\n" not in str(caught.value)


def test_words_of_icdar_2015() -> None:
    root = str(REAL / "icdar2015_words/TrainingSet")
    reader = open_words(GtTxtWords(root=root))
    labels = texts(reader)
    assert len(labels) == 4468 and not reader.report.dropped
    assert labels[:3] == ["Genaxis Theatre", "[06]", "62-03"]
    assert [labels[line_number - 1] for line_number in (1013, 1018, 1023, 1077)] == [
        'READER"',
        '"SCAN"',
        '"CARD',
        'lives."',
    ]
    train, test = (open_words(GtTxtWords(root=root, select=part)) for part in ("1-4000", "4001-4468"))
    assert (len(train), len(test)) == (4000, 468)
    assert names(test)[0] == "word_4001.png" and texts(train) + texts(test) == labels


def test_cut_out_of_the_scenes_come_the_published_words() -> None:
    scenes = IcdarDataset(
        root=str(REAL / "icdar2015"),
        images="ch4_training_images",
        labels="ch4_training_localization_transcription_gt",
    )
    cut = open_words(CutWords(dataset=scenes, min_height=1))
    published = open_words(GtTxtWords(root=str(REAL / "icdar2015_words/TrainingSet")))
    assert Counter(texts(cut)) == Counter(texts(published))
    assert len(cut) == 4468 and cut.report.dropped == {"don't care": 7418}
    same = [k for k in range(4468) if cut.text(k) == published.text(k)]
    assert len(same) > 4000, "and nearly all in the same order"
    # The published ones are upright rectangles: of words that are upright, too, the pixels agree.
    upright = [k for k in same[:600] if np.abs(np.subtract(cut.size(k), published.size(k))).max() <= 2]
    assert len(upright) > 50
    alike = []
    for k in upright[:60]:
        image = published[k].image
        alike.append(np.corrcoef(cv2.resize(cut[k].image, image.shape[1::-1]).ravel(), image.ravel())[0, 1])
    assert np.median(alike) > 0.9
    lines = open_words(CutWords(dataset=scenes, level="line"))
    assert {"Add Value Machine", "NUS Internal Shuttle Bus", "average adult heart beats"} <= set(texts(lines))


def test_iiit5k() -> None:
    reader = open_words(GtTxtWords(root=str(REAL / "iiit5k"), labels="train.tags"))
    assert len(reader) == 2000 and not reader.report.dropped
    assert (reader.name(0), reader.text(0)) == ("train/1009_2.png", "You")
    rule = LabelRule(Alphabet("0123456789abcdefghijklmnopqrstuvwxyz"), case="lower")
    assert len(filter_words(reader, rule, "words")) + 0 == sum(text.isalnum() for text in texts(reader))


def test_captchas() -> None:
    root = str(REAL / "captcha/captcha_images_v2")
    train, test = (open_words(CaptchaWords(root=root, part=part, test_count=49)) for part in ("train", "test"))
    assert (len(train), len(test)) == (250, 49) and not set(names(train)) & set(names(test))
    for reader in (train, test):
        assert all(reader.text(k) == reader.name(k)[:5] for k in range(len(reader)))
        assert reader.size(0) == (50, 200) == reader[0].image.shape[:2]
