from __future__ import annotations

import logging

import numpy as np
import pytest
from label_folders import write_image, write_label

from config.errors import UserError
from config.schema.word_datasets import CocoTextDataset
from data.readers import open_dataset


def entry(number, folder="", **more):
    name = f"{folder}COCO_train2014_{number:012}.jpg"
    return {"id": number, "set": "train", "width": 640, "height": 360, "file_name": name, **more}


def ann(number, image, **more):
    """An annotation of COCO-Text v2: `mask` begins top left and runs counter-clockwise."""
    return {
        "mask": [468.9, 286.7, 468.9, 295.2, 493.0, 295.8, 493.0, 287.2],
        "class": "machine printed",
        "bbox": [468.9, 286.7, 24.1, 9.1],
        "image_id": image,
        "id": number,
        "language": "english",
        "area": 206.06,
        "utf8_string": "New",
        "legibility": "legible",
        **more,
    }


def make(root, images, annotations, name="cocotext.v2.json", write=True):
    content = {
        "cats": {},
        "info": {},
        "imgs": {str(image["id"]): image for image in images},
        "anns": {str(word["id"]): word for word in annotations},
        "imgToAnns": {},
    }
    write_label(root / name, content)
    for image in images if write else []:
        write_image(root / image["file_name"])


def open_root(root, **options):
    return open_dataset(CocoTextDataset(root=str(root), **{"max_dropped": 1.0, **options}))


def test_coco_text(tmp_path, caplog):
    illegible = ann(3, 36, legibility="illegible")
    del illegible["utf8_string"]
    first_version = ann(4, 64, polygon=[10, 10, 30, 10, 30, 20, 10, 20])
    del first_version["mask"]
    only_box = ann(5, 64, mask=[], utf8_string=".")
    images = [entry(64), entry(36), entry(71, set="val")]
    guessed = ann(6, 36, legibility="illegible")
    make(tmp_path, images, [ann(2, 36), guessed, illegible, first_version, only_box])
    with caplog.at_level(logging.INFO):
        reader = open_root(tmp_path)
    samples = [reader[k] for k in range(3)]
    assert [sample.sample_id[-6:] for sample in samples] == ["64.jpg", "36.jpg", "71.jpg"]
    assert [sample.words for sample in samples] == [["New", "."], ["New", "New", ""], []]
    assert [sample.ignore.tolist() for sample in samples] == [[False, False], [False, True, True], []]
    np.testing.assert_allclose(
        samples[1].word_quads[0], [[468.9, 286.7], [493.0, 287.2], [493.0, 295.8], [468.9, 295.2]], rtol=1e-6
    )
    np.testing.assert_allclose(samples[0].word_quads[0], [[10, 10], [30, 10], [30, 20], [10, 20]])
    np.testing.assert_allclose(
        samples[0].word_quads[1], [[468.9, 286.7], [493, 286.7], [493, 295.8], [468.9, 295.8]], rtol=1e-6
    )
    assert not reader.report.dropped and reader.report.noted["word: counter-clockwise, corners put in order"] == 3
    assert "1 images are listed without words" in caplog.text
    train = open_root(tmp_path, split="train", select="60-70")
    assert len(train) == 1 and train.annotation(0).sample_id.endswith("64.jpg")
    with pytest.raises(UserError, match=r"no image is of `split: test`; the file has train, val"):
        open_root(tmp_path, split="test")


def test_textocr(tmp_path):
    images = [{"id": "a4ea732cd3d5948a", "width": 840, "height": 1024, "set": "train"}]
    images[0]["file_name"] = "train/a4ea732cd3d5948a.jpg"

    def word(word_id, text, points):
        key = f"a4ea732cd3d5948a_{word_id}"
        box = {"bbox": [525.83, 3.4, 197.64, 33.94], "area": 6707.9}
        return {"id": key, "image_id": images[0]["id"], "utf8_string": text, "points": points, **box}

    curve = [10, 10, 20, 8, 30, 10, 30, 20, 20, 18, 10, 20]
    words = [
        word(1, "Performance", [525.83, 3.4, 723.47, 7.29, 722.76, 36.99, 525.36, 37.34]),
        word(2, ".", [534.67, 64.68, 545, 64, 545, 70, 534, 70]),
        word(3, "round", curve),
    ]
    make(tmp_path, images, words, "TextOCR_0.1_train.json", write=False)
    write_image(tmp_path / "train_images/a4ea732cd3d5948a.jpg")
    options = {"format": "textocr", "labels": "TextOCR_0.1_train.json", "images": "train_images"}
    reader = open_root(tmp_path, **options)
    sample = reader[0]
    assert sample.sample_id == "a4ea732cd3d5948a.jpg" and sample.words == ["Performance", ".", "round"]
    assert sample.ignore.tolist() == [False, True, False] and not reader.report.dropped
    np.testing.assert_array_equal(sample.word_polygons[2], np.reshape(curve, (-1, 2)))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"mask": [1, 2, 3]}, "outline is not pairs of numbers"),
        ({"mask": [1, 2, "3", 4]}, "outline is not pairs of numbers"),
        ({"mask": None, "bbox": [1, 2, 3]}, "outline is not pairs of numbers"),
        ({"mask": [1, 2, 3, 4]}, "outline of fewer than three points"),
        ({"utf8_string": 7}, "utf8_string is not a text"),
        ({"mask": [5.0] * 8}, "zero or near-zero area"),
    ],
)
def test_a_bad_word_is_counted_with_its_place(tmp_path, bad, reason):
    make(tmp_path, [entry(1)], [ann(10, 1, utf8_string="ok"), ann(11, 1, **bad)])
    reader = open_root(tmp_path)
    assert reader.annotation(0).words == ["ok"] and reader.report.dropped == {f"word: {reason}": 1}
    assert reader.report.examples[f"word: {reason}"] == ["cocotext.v2.json word 11"]


def test_images_that_cannot_be_used(tmp_path):
    images = [entry(1), entry(2), entry(3, folder="../"), {"id": 4}, entry(1) | {"id": 5}]
    make(tmp_path, images, [ann(10 + k, k) for k in range(1, 7)] + [ann(20, 2)], write=False)
    write_image(tmp_path / images[0]["file_name"])
    reader = open_root(tmp_path)
    assert len(reader) == 1 and reader[0].words == ["New"]
    assert reader.report.dropped == {
        "image: missing": 1,
        "image: its path leads outside the data root": 1,
        "image: its label names no file": 1,
        "image: listed twice": 1,
        "word: its image was left out": 5,
        "word: no image has its `image_id`": 1,
    }
    assert reader.report.examples["word: no image has its `image_id`"] == ["cocotext.v2.json word 16"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<html><body>404", "this is not JSON, it is a web page.*; set the dataset's `labels`"),
        ("{", "this is not JSON, it is a text file; set the dataset's `labels`"),
        ([], "has no `imgs` and `anns`"),
        ({"imgs": {}, "anns": []}, "has no `imgs` and `anns`"),
        ({"imgs": {"1": 2}, "anns": {}}, "an entry of `imgs` is not a mapping"),
        ({"imgs": {}, "anns": {}}, "there is no usable image"),
    ],
)
def test_files_of_another_kind(tmp_path, content, message):
    write_label(tmp_path / "cocotext.v2.json", content)
    with pytest.raises(UserError, match=message):
        open_root(tmp_path)
