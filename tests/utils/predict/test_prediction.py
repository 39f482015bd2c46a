"""Predictions are what evaluations count; words are cut as in training; files, settings and drawings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_icdar import recipe, write_icdar
from tiny_words import recognition_yaml, write_words

from config.errors import UserError
from config.loader import load_config
from data.recognition.readers import open_words
from model.registry import build_detector
from utils.evaluate.detection_job import evaluate
from utils.evaluate.recognition_job import evaluate_words
from utils.predict.images import ImageFiles, find_images
from utils.predict.job import predict
from utils.predict.models import open_detector, open_recognizer
from utils.predict.options import PredictionJob
from utils.predict.predictor import Predictor
from utils.predict.steps import BoxReading
from utils.train_job import train_job

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def reader_run(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A recogniser of three letters: its YAML, its checkpoint and its validation folder."""
    root = tmp_path_factory.mktemp("recogniser")
    train, test = write_words(root / "train", 60, seed=1), write_words(root / "test", 21, seed=2)
    job = recognition_yaml(root / "job.yaml", train, test)
    overrides = ["train.end_iter=100", "train.eval_interval=100", "train.data.augment={}", "train.lr=1e-2"]
    folder = train_job(load_config(str(job), overrides, "recognition"))
    return job, folder.last, test


@pytest.fixture(scope="module")
def detector_run(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A detector that is not trained, but finds something: its YAML, a checkpoint, and its validation folder."""
    root = tmp_path_factory.mktemp("detector")
    data = write_icdar(root / "data", 5)
    job = recipe(root / "job.yaml", data, data)
    overrides = [f"test.mine.{key}" for key in ("text_threshold=0.52", "low_text=0.5", "link_threshold=0.6")]
    config = load_config(str(job), overrides, "detection")
    torch.manual_seed(5)
    model = build_detector(config.model)
    images = torch.rand(4, 3, 128, 128)
    for _ in range(30):  # the batch norms' averages, without which an untrained network says the same everywhere
        model.train()(images)
    with torch.no_grad():
        scores = model.eval()(images)[0]
        last = model.conv_cls[8]
        last.weight.div_(scores.std() / 0.05)
        last.bias.copy_((last.bias - scores.mean()) / (scores.std() / 0.05) + 0.5)
    state = {"task": "detection", "config": config.model_dump(mode="json"), "craft": model.state_dict()}
    path = root / "weights.pth"
    torch.save({**state, "preprocess": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.25]}}, path)
    job.write_text(job.read_text().replace("mag_ratio: 2.0", "mag_ratio: 2.0\n    " + "\n    ".join(
        one.removeprefix("test.mine.").replace("=", ": ") for one in overrides)))  # fmt: skip
    return job, path, data


def predicted(tmp_path: Path, **job) -> list[dict]:
    predict(PredictionJob(output=str(tmp_path / "out"), device="cpu", **job), print)
    return [json.loads(line) for line in (tmp_path / "out/predictions.jsonl").read_text("utf-8").splitlines()]


@pytest.mark.parametrize("decode", ["greedy", "beam"])
def test_readings_are_those_of_the_evaluation(reader_run, tmp_path: Path, decode: str) -> None:
    job, checkpoint, folder = reader_run
    config = load_config(str(job), [f"test.mine.decode={decode}", f"results_dir={tmp_path}"], "recognition")
    evaluate_words(config, checkpoint=str(checkpoint))
    counted = json.loads((tmp_path / "job/eval/mine/results.json").read_text())
    lines = [json.loads(line) for line in (tmp_path / "job/eval/mine/images.jsonl").read_text().splitlines()]
    expected = {Path(line["sample_id"]).name: (line["reading"], line["confidence"]) for line in lines}
    found = predicted(tmp_path, images=[str(folder)], recognizer=str(checkpoint), decode=decode)
    assert {
        Path(one["file"]).name: (one["words"][0]["text"], one["words"][0]["confidence"]) for one in found
    } == expected
    assert len(expected) == 21 and counted["word_accuracy"] > 0.5  # not all of them empty
    labels = dict(line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:])
    right = sum(one["words"][0]["text"] == labels[Path(one["file"]).name] for one in found)
    assert right / len(found) == counted["word_accuracy"]
    assert found[0]["words"][0].keys() == {"points", "text", "confidence", "score"}
    assert (found[0]["words"][0]["points"], found[0]["words"][0]["score"], found[0]["height"]) == (None, None, 24)


def test_boxes_are_those_of_the_evaluation(detector_run, tmp_path: Path) -> None:
    job, checkpoint, data = detector_run
    evaluate(load_config(str(job), [f"results_dir={tmp_path}"], "detection"), checkpoint=str(checkpoint))
    lines = [json.loads(line) for line in (tmp_path / "job/eval/mine/images.jsonl").read_text().splitlines()]
    found = predicted(tmp_path, images=[str(data / "images")], detector=str(checkpoint))
    assert len(found) == len(lines) == 5
    by_name = {Path(line["sample_id"]).stem: line["detections"] for line in lines}
    for one in found:
        words = [{"points": word["points"], "score": word["score"]} for word in one["words"]]
        assert sorted(words, key=str) == sorted(by_name[Path(one["file"]).stem], key=str)
        assert all(word["text"] is None and word["confidence"] is None for word in one["words"])
    assert sum(len(one["words"]) for one in found) >= 5


def test_boxes_are_read_where_they_are(detector_run, reader_run, tmp_path: Path) -> None:
    data = detector_run[2]
    found = predicted(tmp_path, images=[str(data / "images")], detector=str(detector_run[1]),
                      recognizer=str(reader_run[1]), draw=True)  # fmt: skip
    words = [word for one in found for word in one["words"]]
    read = [word for word in words if word["text"] is not None]  # one box lies outside its image
    assert len(read) >= len(words) - 1 > 3
    assert all(set(word["text"]) <= set("abc") and 0 <= word["confidence"] <= 1 for word in read)
    assert sorted(path.name for path in (tmp_path / "out/drawn").iterdir()) == [f"img_{n}.jpg" for n in range(1, 6)]


def test_words_in_a_scene_are_read_as_on_their_own(reader_run) -> None:
    words = ImageFiles(find_images([str(reader_run[2])]), words=True)
    scene, boxes, top = np.full((900, 200, 3), 30, np.uint8), [], 7
    for number in range(len(words)):
        height, width = words[number].shape[:2]
        scene[top : top + height, 9 : 9 + width] = words[number]
        # A pixel's centre is its place, so its edges are half a pixel away.
        boxes.append(np.array([[0, 0], [width, 0], [width, height], [0, height]]) + np.array([8.5, top - 0.5]))
        top += height + 15
    reading = open_recognizer(str(reader_run[1]), CPU, None, yaml=None, decode=None, lexicon=None)
    alone = [next(iter(one.words)) for one in Predictor(None, reading).run(words)]
    there = reading.read(scene, np.array(boxes, np.float32))
    assert [one.text for one in there] == [one.text for one in alone] and len(set(one.text for one in alone)) > 8
    assert [one.confidence for one in there] == pytest.approx([one.confidence for one in alone])


def test_cut_as_in_training(tmp_path: Path, reader_run) -> None:
    """The words of a dataset of cut words, among them slanted and high ones, are cut out alike, pixel by pixel."""
    root = write_icdar(tmp_path / "data", 1, words=1)
    quads = [[5, 4, 60, 9, 59, 20, 4, 15], [80, 2, 91, 2, 91, 50, 80, 50], [20, 30, 70, 24, 72, 40, 22, 46]]
    (root / "labels/gt_img_1.txt").write_text("".join(",".join(map(str, quad)) + ",word\n" for quad in quads))
    section = (
        f"{{format: crops, margin: 0.1, dataset: {{format: icdar2015, root: {root}, images: images, labels: labels}}}}"
    )
    config = load_config(str(reader_run[0]), [f"test.mine.dataset={section}"], "recognition")
    words = open_words(config.test["mine"].dataset)
    image = ImageFiles(find_images([str(root / "images")]), words=False)[0]
    boxes = np.array(quads, np.float32).reshape(-1, 4, 2)
    cutting = BoxReading(None, margin=0.1)  # type: ignore[arg-type]
    crops = [cutting.crops(image, box) for box in boxes]
    assert [len(one) for one in crops] == [1, 3, 1] and len(words) == 3
    for index, one in enumerate((crops[0][0], crops[1][1], crops[2][0])):
        assert np.array_equal(one, words[index].image)
    assert np.array_equal(crops[1][2], np.rot90(crops[1][1], 2))  # upwards: the other way round
    assert len(BoxReading(None, vertical="keep").crops(image, boxes[1])) == 1  # type: ignore[arg-type]


def test_settings_of_the_checkpoint(detector_run, reader_run) -> None:
    found = open_detector(str(detector_run[1]), CPU, None, {"low_text": 0.3})
    settings = found.settings
    assert (settings.text_threshold, settings.low_text, settings.mag_ratio, settings.canvas_size) == (0.52, 0.3, 2, 150)
    assert (found.preprocess.mean, found.amp) == ((0.5, 0.4, 0.3), "off")
    reading = open_recognizer(str(reader_run[1]), CPU, None, yaml=None, decode=None, lexicon=None)
    assert (reading.batch_size, reading.vertical, reading.margin) == (8, "turn", 0.0)


def test_orientation_of_the_checkpoint(detector_run, tmp_path: Path) -> None:
    content = torch.load(detector_run[1], weights_only=True)
    photo = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((20, 60, 3), 128, np.uint8)).save(photo, exif=exif)
    for stored, given, width in (("ignore", None, 60), ("apply", None, 20), ("apply", False, 60), ("ignore", True, 20)):
        content["config"]["test"]["mine"]["dataset"]["exif_orientation"] = stored
        torch.save(content, tmp_path / "model.pth")
        found = predicted(tmp_path, images=[str(photo)], detector=str(tmp_path / "model.pth"), upright=given)
        assert found[0]["width"] == width


def test_cutting_of_the_checkpoint(reader_run, tmp_path: Path) -> None:
    content = torch.load(reader_run[1], weights_only=True)
    content["config"]["train"]["datasets"].append({"format": "crops", "vertical": "keep", "margin": 0.2})
    torch.save(content, tmp_path / "cut.pth")
    reading = open_recognizer(str(tmp_path / "cut.pth"), CPU, None, yaml=None, decode=None, lexicon=None)
    assert (reading.vertical, reading.margin) == ("keep", 0.2)


def test_weights_alone_need_a_yaml(reader_run, tmp_path: Path) -> None:
    job, checkpoint, folder = reader_run
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content["ema"] or content["model"], tmp_path / "bare.pth")
    with pytest.raises(UserError, match=r"weights alone, without their alphabet .* --yaml"):
        predicted(tmp_path, images=[str(folder)], recognizer=str(tmp_path / "bare.pth"))
    whole = predicted(tmp_path, images=[str(folder)], recognizer=str(checkpoint))
    assert predicted(tmp_path, images=[str(folder)], recognizer=str(tmp_path / "bare.pth"), yaml=str(job)) == whole


def test_lexicon(reader_run, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("ab\nxyz\ncba\n")
    found = predicted(
        tmp_path, images=[str(reader_run[2])], recognizer=str(reader_run[1]), lexicon=str(tmp_path / "words.txt")
    )
    assert {word["text"] for one in found for word in one["words"]} == {"ab", "cba"}
    (tmp_path / "words.txt").write_text("xyz\n")
    with pytest.raises(UserError, match=r"words\.txt: the word list holds no word"):
        predicted(
            tmp_path, images=[str(reader_run[2])], recognizer=str(reader_run[1]), lexicon=str(tmp_path / "words.txt")
        )


def test_unreadable_images_are_named_and_the_rest_goes_on(reader_run, detector_run, tmp_path: Path, caplog) -> None:
    folder = write_words(tmp_path / "words", 20, seed=3)
    (folder / "004.png").write_bytes(b"no picture")
    (folder / "019.png").write_bytes((folder / "018.png").read_bytes()[:-30])
    for models in ({"recognizer": str(reader_run[1])}, {"detector": str(detector_run[1])}):
        caplog.clear()
        found = predicted(tmp_path, images=[str(folder)], **models)
        assert [number for number, one in enumerate(found) if "error" in one] == [4, 19]
        assert (found[19]["error"], found[19]["words"], found[19]["width"]) == ("image: cut off", [], None)
        assert "004.png: image: not decodable" in caplog.text and "2 of 20 images cannot be read" in caplog.text
    before = (tmp_path / "out/predictions.jsonl").read_text()
    for path in folder.glob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"none of the 20 images can be read .*000\.png: image: not decodable"):
        predicted(tmp_path, images=[str(folder)], recognizer=str(reader_run[1]))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["predictions.jsonl"]  # and no part of another
    assert (tmp_path / "out/predictions.jsonl").read_text() == before


def test_pictures_of_one_name(tmp_path: Path, reader_run) -> None:
    for folder in ("one", "two"):
        write_words(tmp_path / folder, 2, seed=1)
    job = {"recognizer": str(reader_run[1]), "draw": True}
    images = [str(tmp_path / "one"), str(tmp_path / "two"), str(tmp_path / "one/000.png")]
    assert len(predicted(tmp_path, images=images, **job)) == 4
    drawn = tmp_path / "out/drawn"
    assert sorted(path.name for path in drawn.iterdir()) == ["000.jpg", "000_2.jpg", "001.jpg", "001_2.jpg"]
    before = (drawn / "000.jpg").read_bytes()
    with pytest.raises(UserError, match=r"000\.jpg: --draw would overwrite this image"):
        predicted(tmp_path, images=[str(drawn)], **job)
    assert (drawn / "000.jpg").read_bytes() == before


def test_a_full_device_is_one_sentence(monkeypatch, reader_run, detector_run, tmp_path):
    job, reader, _ = reader_run
    detector_job, detector, data = detector_run

    def full(*_arguments, **_options):
        raise torch.OutOfMemoryError("full")

    # Of one layer, for a network is a module of its own.
    monkeypatch.setattr(torch.nn.functional, "relu", full)
    monkeypatch.setattr(torch.nn.Conv2d, "forward", full)
    with pytest.raises(UserError, match=r"out of memory for an image of \d+ x \d+ pixels; lower canvas_size"):
        predict(PredictionJob(images=[str(data / "images")], detector=str(detector), device="cpu"), [].append)
    with pytest.raises(UserError, match=r"lower canvas_size"):
        evaluate(load_config(str(detector_job), ["device=cpu"], "detection"), checkpoint=str(detector), test="mine")
    with pytest.raises(UserError, match=r"out of memory for \d+ words of \d+ pixels width; lower batch_size"):
        evaluate_words(load_config(str(job), ["device=cpu"], "recognition"), checkpoint=str(reader))
