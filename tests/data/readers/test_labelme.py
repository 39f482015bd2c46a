from __future__ import annotations

import logging

import numpy as np
import pytest
from label_folders import SQUARE, write_image, write_label
from PIL import Image

from config.errors import UserError
from config.schema.word_datasets import LabelmeDataset
from data.reader import UnreadableSample
from data.readers import open_dataset


def shape(label="word", points=SQUARE, kind="polygon", **more):
    flags = {"group_id": None, "description": "", "flags": {}}
    return {"label": label, "points": points, "shape_type": kind, **flags, **more}


def page(*shapes, size=(40, 60)):
    """A file as labelme 5 writes it."""
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": "..\\somewhere\\else.png",
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }


def one(root, content, **options):
    write_image(root / "a.jpg")
    write_label(root / "a.json", content)
    return open_dataset(LabelmeDataset(root=str(root), **{"max_dropped": 1.0, **options}))


def test_shapes(tmp_path):
    curve = [[10, 10], [20, 8], [30, 10], [30, 20], [20, 18], [10, 20]]
    content = page(
        shape("poly"),
        shape("curve", curve),
        shape("rect", [[30, 20], [10, 10]], "rectangle"),
        shape("rect", SQUARE, "rectangle"),
        shape("turned", SQUARE, "rotation", direction=0.5),
        shape("turned", SQUARE, "oriented_rectangle"),
        shape("plain", SQUARE, None),
        shape("hard", SQUARE, "polygon", flags={"difficult": True}),
        shape("hard", SQUARE, "polygon", difficult=True),
        shape("###"),
        shape(None),
    )
    reader = one(tmp_path, content)
    sample = reader[0]
    assert sample.words == ["poly", "curve", "rect", "rect", "turned", "turned", "plain", "hard", "hard", "###", ""]
    assert sample.ignore.tolist() == [False] * 7 + [True] * 4 and sample.image.shape == (40, 60, 3)
    np.testing.assert_array_equal(np.delete(sample.word_quads, 1, 0), [SQUARE] * 10)
    np.testing.assert_array_equal(sample.word_polygons[1], curve)
    assert not reader.report.dropped


def test_text_from_the_description(tmp_path, caplog):
    content = page(shape("text", description="Royal"), shape("text", description="Mail"), shape("text"))
    with caplog.at_level(logging.WARNING):
        assert one(tmp_path, content).annotation(0).words == ["text"] * 3
    assert "every shape has the label 'text', and 2 have a description" in caplog.text
    caplog.clear()
    sample = one(tmp_path, content, text_from="description").annotation(0)
    assert sample.words == ["Royal", "Mail", ""] and sample.ignore.tolist() == [False, False, True]
    assert not caplog.records


@pytest.mark.parametrize(
    ("bad", "reason", "detail"),
    [
        ("x", "shape is not a mapping", ""),
        (shape(points=None), "points are not pairs of numbers", ""),
        (shape(points=[[1, 2, 3]]), "points are not pairs of numbers", ""),
        (shape(points=[[1, "2"]]), "points are not pairs of numbers", ""),
        (shape(points=[[1, True]]), "points are not pairs of numbers", ""),
        (shape(points=[[1, 10**400]] * 4), "points are not pairs of numbers", ""),
        (shape(points=SQUARE[:2], kind="circle"), "shape is no box and no polygon", ": 'circle'"),
        (shape(points=SQUARE[:3], kind="rotation"), "shape has not as many points as its type", ": 3 for 'rotation'"),
        (shape(points=SQUARE[:2]), "outline of fewer than three points", ""),
    ],
)
def test_a_bad_shape_is_counted_with_its_place(tmp_path, bad, reason, detail):
    reader = one(tmp_path, page(shape("ok"), bad))
    assert reader.annotation(0).words == ["ok"] and reader.report.dropped == {f"word: {reason}": 1}
    assert reader.report.examples[f"word: {reason}"] == [f"a.json shape 2{detail}"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "is not JSON (JSONDecodeError)"),
        (b"\xff\xfe\x00", "is not JSON (UnicodeDecodeError)"),
        ("[" * 100_000, "is not JSON (RecursionError)"),
        ([], "has no list `shapes`, as labelme writes it"),
        ({"shapes": {}}, "has no list `shapes`, as labelme writes it"),
    ],
)
def test_an_image_with_a_broken_file_is_left_out(tmp_path, content, reason):
    write_image(tmp_path / "b.jpg")
    write_label(tmp_path / "b.json", page(shape("b")))
    reader = one(tmp_path, content)
    assert [reader.annotation(k).sample_id for k in range(len(reader))] == ["b.jpg"]
    assert reader.report.dropped == {f"image: its label file {reason}": 1, "word: its image was left out": 1}
    assert reader.report.examples[f"image: its label file {reason}"] == ["a.json"]
    with pytest.raises(UserError, match="1 of 2 words"):
        one(tmp_path, content, max_dropped=0.1)


def test_absent_and_empty_files(tmp_path, caplog):
    for name in ("b", "c", "d"):
        write_image(tmp_path / f"{name}.png")
    write_label(tmp_path / "b.json", "")
    write_label(tmp_path / "c.JSON", page())
    with caplog.at_level(logging.INFO):
        reader = one(tmp_path, page(shape()))
    assert [len(reader[k].words) for k in range(4)] == [1, 0, 0, 0]
    assert [record.message.split(": ", 1)[1] for record in caplog.records] == [
        "1 of 4 images have no label file and count as images without text (e.g. d.png)",
        "2 of 4 images have an empty label file and count as images without text (e.g. b.json)",
    ]


def test_the_picture_is_that_which_was_labelled(tmp_path):
    reader = one(tmp_path, page(shape(), size=(60, 40)))
    with pytest.raises(UnreadableSample, match=r"a.jpg: image: 60x40 pixels, its labels were made for 40x60"):
        reader[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    assert reader[0].image.shape == (60, 40, 3)
    stored = open_dataset(LabelmeDataset(root=str(tmp_path), exif_orientation="ignore"))
    with pytest.raises(UnreadableSample):
        stored[0]
    write_label(tmp_path / "a.json", page(shape(), size=(None, 1e999)))
    assert open_dataset(LabelmeDataset(root=str(tmp_path)))[0].words == ["word"]
