"""Label Studio's JSON export: the layouts of its templates for OCR and for objects, and what may be wrong with them."""

from __future__ import annotations

import logging
import math

import numpy as np
import pytest
from label_folders import SQUARE, write_image, write_label

from config.errors import UserError
from config.schema.word_crops import CutWords
from config.schema.word_datasets import LabelStudioDataset
from data.readers import open_dataset
from data.recognition.readers import open_words

BOX = {"x": 100 / 6, "y": 25, "width": 100 / 3, "height": 25, "rotation": 0}
"""`SQUARE` in percent of 60 x 40 pixels."""


def region(key="r1", text="word", label="Text", value=None, kind="rectangle", field="transcription", **more):
    """A region as the OCR template writes it: three entries, each with the geometry."""
    common = {"original_width": 60, "original_height": 40, "image_rotation": 0, "id": key, "to_name": "image", **more}
    value = BOX if value is None else value
    entries = [
        {**common, "value": value, "from_name": "bbox", "type": kind, "origin": "manual"},
        {**common, "value": {**value, "labels": [label]}, "from_name": "label", "type": "labels", "origin": "manual"},
    ]
    if text is not None:
        entries.append({**common, "value": {**value, "text": [text]}, "from_name": field, "type": "textarea"})
    return entries


def annotation(*regions, cancelled=False, truth=False):
    entries = [entry for parts in regions for entry in parts]
    return {"id": 3, "completed_by": 1, "result": entries, "was_cancelled": cancelled, "ground_truth": truth}


def task(*annotations, address="/data/upload/1/1a2b3c4d-a.jpg", number=12, key="ocr"):
    return {
        "id": number,
        "annotations": list(annotations),
        "file_upload": address.rsplit("/", 1)[-1],
        "drafts": [],
        "predictions": [],
        "data": {key: address},
        "meta": {},
        "inner_id": 1,
        "total_annotations": len(annotations),
        "project": 1,
    }


def export(root, *tasks, files=("a.jpg",), **options):
    for name in files:
        write_image(root / "images" / name)
    write_label(root / "export.json", list(tasks))
    return open_dataset(LabelStudioDataset(root=str(root), **{"max_dropped": 1.0, **options}))


def test_the_ocr_template(tmp_path):
    points = [[100 / 6, 25], [50, 25], [50, 50], [100 / 6, 50]]
    polygon = {"points": points, "closed": True}
    curve = {"points": [*points[:2], [55, 40], *points[2:]], "closed": True}
    relation = [{"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right"}]
    parts = [region(), region("r2", "quad", value=polygon, kind="polygon"), relation]
    reader = export(tmp_path, task(annotation(*parts, region("r3", " curve ", value=curve, kind="polygon"))))
    sample = reader[0]
    assert sample.sample_id == "a.jpg" and sample.words == ["word", "quad", "curve"] and not sample.ignore.any()
    np.testing.assert_allclose(sample.word_quads[:2], [SQUARE] * 2, atol=1e-5)
    np.testing.assert_allclose(sample.word_polygons[2][2], [33, 16], atol=1e-5)
    assert reader.place(0, 1) == "export.json task 12, region r2"
    assert not reader.report.dropped and not reader.report.noted


def test_the_object_detection_template(tmp_path):
    def entry(key, label, kind, **value):
        return {"id": key, "type": kind, "value": {**value, kind: [label]}, "from_name": "label", "to_name": "image"}

    size = {"original_width": 60, "original_height": 40}
    shapes = [
        {**entry("a", "Text", "rectanglelabels", **BOX), **size},
        {"id": "a", "type": "textarea", "from_name": "text", "value": {"text": "one"}},
        {**entry("b", "ignore", "polygonlabels", points=[[10, 10], [50, 10], [50, 50]]), **size},
        {**entry("c", "Logo", "rectanglelabels", **BOX), **size},
    ]
    reader = export(tmp_path, task({"result": shapes}, key="image"), word_labels=["Text"])
    sample = reader.annotation(0)
    assert sample.words == ["one", ""] and sample.ignore.tolist() == [False, True]
    assert reader.report.dropped == {"shape: its label is none of `word_labels`": 1}


@pytest.mark.parametrize("degrees", [0, 90, 180, 30, -30, 359])
def test_a_rectangle_is_turned_clockwise_about_its_top_left_corner(tmp_path, degrees):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    expected = [[10 + x * cos - y * sin, 10 + x * sin + y * cos] for x, y in ((0, 0), (20, 0), (20, 10), (0, 10))]
    sample = export(tmp_path, task(annotation(region(value={**BOX, "rotation": degrees})))).annotation(0)
    np.testing.assert_allclose(sample.word_quads[0], expected, atol=1e-4)


def test_what_is_dont_care(tmp_path):
    parts = [region("1", "a"), region("2", "###"), region("3", ""), region("4", None), region("5", "b", "illegible")]
    sample = export(tmp_path, task(annotation(*parts))).annotation(0)
    assert sample.words == ["a", "###", "", "", "b"] and sample.ignore.tolist() == [False, True, True, True, True]


def test_which_annotation_of_a_task_is_read(tmp_path):
    old, new = annotation(region(text="old")), annotation(region(text="new"))
    skipped, truth = annotation(cancelled=True), annotation(region(text="true"), truth=True)
    tasks = [
        task(skipped, old, new, address="/data/upload/1/00000001-a.jpg", number=1),
        task(old, truth, address="/data/upload/1/00000002-b.jpg", number=2),
        task(skipped, address="/data/upload/1/00000003-c.jpg", number=3),
        task(address="/data/upload/1/00000004-d.jpg", number=4),
        task(annotation(), address="/data/upload/1/00000005-e.jpg", number=5),
    ]
    reader = export(tmp_path, *tasks, files=[f"{name}.jpg" for name in "abcde"])
    samples = [reader.annotation(k) for k in range(len(reader))]
    assert {sample.sample_id: sample.words for sample in samples} == {
        "a.jpg": ["old"],
        "b.jpg": ["true"],
        "e.jpg": [],
    }
    assert reader.report.dropped == {
        "image: its annotation was cancelled": 1,
        "image: its task has no annotation": 1,
    }
    assert reader.report.noted == {
        "annotation: cancelled, another one is read": 1,
        "annotation: one of several, another one is read": 2,
    }


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("/data/upload/1/1a2b3c4d-a.jpg", "a.jpg"),
        ("/data/upload/1/1a2b3c4d-a.jpg", "1a2b3c4d-a.jpg"),
        ("/data/upload/1/1a2b3c4d-a.jpg", "1/1a2b3c4d-a.jpg"),
        ("/data/upload/1a2b3c4d-a_b.jpg", "a_b.jpg"),
        ("/data/local-files/?d=set/a%20b.jpg", "set/a b.jpg"),
        ("/data/local-files/?d=set/a%20b.jpg", "a b.jpg"),
        ("s3://bucket/set/a.jpg", "set/a.jpg"),
        ("https://host:8080/set/a.jpg?token=1", "a.jpg"),
        ("set/a 100%.jpg", "set/a 100%.jpg"),
        ("C:\\pictures\\a.jpg", "a.jpg"),
    ],
)
def test_where_an_image_is_looked_for(tmp_path, address, file):
    reader = export(tmp_path, task(annotation(region()), address=address), files=[file])
    assert reader.annotation(0).sample_id == file and reader[0].image.shape == (40, 60, 3)


def test_images_that_are_left_out(tmp_path):
    addresses = ["/data/upload/1/1a2b3c4d-a.jpg", "/data/upload/1/5e6f7a8b-a.jpg", "/data/local-files/?d=../../x.jpg"]
    tasks = [task(annotation(region()), address=address) for address in [*addresses, "gone.jpg", ""]]
    reader = export(tmp_path, *tasks)
    assert len(reader) == 1 and reader.report.dropped == {
        "image: listed twice": 1,
        "image: its path leads outside the data root": 1,
        "image: missing": 1,
        "image: its label names no file": 1,
        "word: its image was left out": 4,
    }
    assert reader.report.examples["image: missing"] == ["export.json task 12: 'gone.jpg'"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (region(value={**BOX, "x": "1"}), "points are not numbers"),
        (region(value={"x": 1}), "points are not numbers"),
        (region(value={"points": [[1, 2, 3]]}, kind="polygon"), "points are not numbers"),
        (region(value={"points": [[1, 2], [3, 4]]}, kind="polygon"), "outline of fewer than three points"),
        (region(value={"x": 1, "y": 1, "radiusX": 3, "radiusY": 3}, kind="ellipse"), "shape is no box and no polygon"),
        (region(original_width=None), "shape has no `original_width` and `original_height`"),
        (region(image_rotation=90), "drawn on an image that was turned"),
        (region(value={**BOX, "width": 0}), "zero or near-zero area"),
    ],
)
def test_a_bad_region_is_counted_with_its_place(tmp_path, bad, reason):
    reader = export(tmp_path, task(annotation(region("ok", "ok"), bad)))
    assert reader.annotation(0).words == ["ok"]
    assert list(reader.report.dropped.items()) == [(f"word: {reason}", 1)]
    assert reader.report.examples[f"word: {reason}"][0].startswith("export.json task 12, region r1")


def test_texts_of_several_fields(tmp_path, caplog):
    parts = [*region(text="Wort"), *region(text="word", field="translation")[2:]]
    alone = [{"id": "x", "type": "textarea", "from_name": "transcription", "value": {"text": ["of the image"]}}]
    with pytest.raises(UserError, match="set the dataset's `text_from` to one of transcription, translation"):
        export(tmp_path, task(annotation(parts)))
    reader = export(tmp_path, task(annotation(parts, alone)), text_from="translation")
    assert reader.annotation(0).words == ["word"] and reader.report.noted == {"text: belongs to no shape": 1}
    with caplog.at_level(logging.WARNING):
        export(tmp_path, task(annotation(parts)), text_from="txt")
    assert "none of 1 words has a text" in caplog.text and "there are transcription, translation" in caplog.text


def test_the_key_of_the_image(tmp_path):
    entry = task(annotation(region()))
    entry["data"] = {"photo": "/data/upload/1/1a2b3c4d-a.jpg", "note": "x"}
    with pytest.raises(
        UserError, match="task 12: set the dataset's `image_from` to the key of its image, one of photo"
    ):
        export(tmp_path, entry)
    assert export(tmp_path, entry, image_from="photo").annotation(0).sample_id == "a.jpg"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[\n{", r"export.json line 2: this is not JSON"),
        ("[" * 100_000, "export.json: this is not JSON"),
        (b"PK\x03\x04", "this is not JSON, it is a zip archive"),
        ({"tasks": []}, "is no list of tasks as Label Studio exports it; check the dataset's `format`"),
        ([1], "is no list of tasks"),
        ([{"id": 4, "ocr": "/data/upload/1/a.jpg", "label": []}], "task 4: has no list `annotations`; .* 'JSON-MIN'"),
        ([], "there is no usable image"),
    ],
)
def test_a_file_of_another_kind_is_one_sentence(tmp_path, content, sentence):
    write_image(tmp_path / "images" / "a.jpg")
    write_label(tmp_path / "export.json", content)
    with pytest.raises(UserError, match=sentence):
        open_dataset(LabelStudioDataset(root=str(tmp_path)))


def test_its_words_are_cut_out_for_a_recogniser(tmp_path):
    export(tmp_path, task(annotation(region("1", "one"), region("2", "###"), region("3", "two"))))
    words = open_words(CutWords(dataset=LabelStudioDataset(root=str(tmp_path))))
    assert [words.text(k) for k in range(len(words))] == ["one", "two"]
    assert words.size(0) == words[0].image.shape[:2] == (10, 20)


def test_addresses_that_no_file_can_have_are_counted_as_missing(tmp_path):
    inside, long, half = "data:image/png;base64," + "A" * 5000, "x/" * 200 + "y" * 300 + "/gone.jpg", "\ud800/lost.jpg"
    tasks = [task(annotation(region()), address=address) for address in (inside, long, half)]
    reader = export(tmp_path, *tasks, task(annotation(region())))
    assert len(reader) == 1 and reader.report.dropped["image: missing"] == 3
    assert all(len(example) < 2000 for example in reader.report.examples["image: missing"])


def test_an_angle_without_end_is_a_bad_region(tmp_path):
    reader = export(tmp_path, task(annotation(region(value={**BOX, "rotation": math.inf}))))
    assert len(reader.annotation(0).words) == 0 and sum(reader.report.dropped.values()) == 1
