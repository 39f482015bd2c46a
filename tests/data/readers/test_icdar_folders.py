from __future__ import annotations

import logging

import pytest
from label_folders import make_icdar as make
from PIL import Image

from config.errors import UserError
from config.schema.detection import DetectionTest, DetectionTraining
from config.schema.word_datasets import IcdarDataset
from data.readers import open_dataset

SQUARE = "10,10,30,10,30,20,10,20"


def open_root(root, **options):
    return open_dataset(IcdarDataset(root=str(root), images="images", labels="labels", **options))


def test_folders_are_named_for_their_use(tmp_path):
    for use, folder, labels in (
        ("training", "ch4_training_images", "ch4_training_localization_transcription_gt"),
        ("test", "ch4_test_images", "ch4_test_localization_transcription_gt"),
    ):
        make(tmp_path / use, {"gt_img_1.txt": f"{SQUARE},{use}"})
        (tmp_path / use / "images").rename(tmp_path / folder)
        (tmp_path / use / "labels").rename(tmp_path / labels)
    section = {"format": "icdar2015", "root": str(tmp_path)}
    evaluated = DetectionTest.model_validate({"dataset": section}).dataset
    trained = DetectionTraining.model_validate({"datasets": [section], "weak": {"datasets": [section]}})
    assert open_dataset(evaluated).annotation(0).words == ["test"]
    assert open_dataset(IcdarDataset(root=str(tmp_path))).annotation(0).words == ["test"]
    for config in (trained.datasets[0], trained.weak.datasets[0]):
        assert open_dataset(config).annotation(0).words == ["training"]
    own = DetectionTest.model_validate({"dataset": {**section, "images": "ch4_training_images"}}).dataset
    assert (own.images, own.labels) == ("ch4_training_images", "ch4_test_localization_transcription_gt")


def test_patterns_of_names(tmp_path):
    labels = {"res_a.JSON": f"{SQUARE},a", "a.txt": "not read", "res_b.json": f"{SQUARE},b", "notes.txt": "no label"}
    make(tmp_path, labels, ["a.jpg", "a_mask.jpg", "b.png", "c.jpg"])
    options = {"label_names": ["res_{name}.json"], "image_names": "?.jpg"}
    reader = open_root(tmp_path, **options)
    assert [reader.annotation(k).sample_id for k in range(len(reader))] == ["a.jpg", "c.jpg"]
    assert [reader.annotation(k).words for k in range(2)] == [["a"], []] and not reader.report.dropped
    with pytest.raises(UserError, match=r"`image_names: \*.bmp` takes none of the 4 images"):
        open_root(tmp_path, image_names="*.bmp")
    for pattern in ("gt.txt", "{name}/{name}.txt", "../{name}.txt", ".{name}.txt"):
        with pytest.raises(ValueError, match="must be the name of a file"):
            IcdarDataset(root="x", label_names=[pattern])


def test_pictures_are_turned_only_where_asked(tmp_path):
    make(tmp_path, {"gt_img_1.txt": f"{SQUARE},x"}, [])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "images/img_1.jpg", exif=exif)
    stored, upright = open_root(tmp_path), open_root(tmp_path, exif_orientation="apply")
    assert stored[0].image.shape == (40, 60, 3) and upright[0].image.shape == (60, 40, 3)
    assert stored.fingerprint() != upright.fingerprint()


def test_names_of_files(tmp_path):
    make(
        tmp_path,
        {
            "gt_img_10.txt": f"{SQUARE},ten",
            "img_2.TXT": f"{SQUARE},two",
            "gt_b.txt": f"{SQUARE},b",
            "b.txt": "not read",
        },
        ["img_10.JPG", "img_2.Png", "b.tiff", ".hidden.jpg", "notes.md"],
    )
    (tmp_path / "images/.checkpoints").mkdir()
    (tmp_path / "labels/._gt_img_2.txt").write_bytes(b"\0\5\x16\7")
    reader = open_root(tmp_path)
    names = [reader[k].sample_id for k in range(len(reader))]
    assert names == ["b.tiff", "img_2.Png", "img_10.JPG"]
    assert [reader[k].words for k in range(3)] == [["b"], ["two"], ["ten"]]


def test_images_without_text_are_logged_once(tmp_path, caplog):
    make(
        tmp_path,
        {"gt_img_1.txt": f"{SQUARE},x", "gt_img_2.txt": "\n", "gt_img_3.txt": b"\xef\xbb\xbf"},
        [f"img_{k}.jpg" for k in range(1, 7)],
    )
    with caplog.at_level(logging.INFO):
        reader = open_root(tmp_path)
    assert len(reader) == 6 and [len(reader[k].words) for k in range(6)] == [1, 0, 0, 0, 0, 0]
    assert reader[5].word_quads.shape == (0, 4, 2)
    messages = [record.message for record in caplog.records]
    assert len(messages) == 2
    assert "3 of 6 images have no label file" in messages[0] and "img_4.jpg" in messages[0]
    assert "2 of 6 images have an empty label file" in messages[1]


def test_labels_without_an_image_are_counted(tmp_path):
    make(tmp_path, {"gt_img_1.txt": f"{SQUARE},x", "gt_img_2.txt": f"{SQUARE},y"}, ["img_1.jpg"])
    reader = open_root(tmp_path)
    assert reader.report.dropped == {"image: missing for a label file": 1}
    assert reader.report.examples == {"image: missing for a label file": ["gt_img_2.txt"]}


def test_select_and_samples(tmp_path):
    make(tmp_path, {f"gt_img_{k}.txt": f"{SQUARE},word{k}" for k in range(1, 21)})
    reader = open_root(tmp_path, select="8-12")
    assert [reader.annotation(k).words[0] for k in range(len(reader))] == [f"word{k}" for k in range(8, 13)]
    assert reader.report.images == 5 and not reader.report.dropped
    some = open_root(tmp_path, select="8-12", samples=2)
    assert [some.annotation(k).words[0] for k in range(2)] == ["word8", "word10"]
    with pytest.raises(UserError, match="write it as 901-1000"):
        open_root(tmp_path, select="8..12")
    with pytest.raises(UserError, match="write it as 901-1000"):
        open_root(tmp_path, select="12-8")
    with pytest.raises(UserError, match="takes none of the 20 images"):
        open_root(tmp_path, select="50-60")


def test_mistakes_with_folders(tmp_path):
    make(tmp_path, {"gt_img_1.txt": f"{SQUARE},x"})
    with pytest.raises(UserError, match="not a folder; set the dataset's `root`"):
        open_root(tmp_path / "nowhere")
    with pytest.raises(UserError, match="image: this folder of images does not exist; did you mean 'images'"):
        open_dataset(IcdarDataset(root=str(tmp_path), images="image", labels="labels"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no images; set the dataset's `images`"):
        open_dataset(IcdarDataset(root=str(tmp_path), images="empty", labels="labels"))
    with pytest.raises(UserError, match=r"looked for gt_img_1.txt and img_1.txt.*`labels`"):
        open_dataset(IcdarDataset(root=str(tmp_path), images="images", labels="empty"))
    make(tmp_path, {}, ["img_1.png"])
    with pytest.raises(UserError, match=r"img_1.jpg and img_1.png share one label file"):
        open_root(tmp_path)
