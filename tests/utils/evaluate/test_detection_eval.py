from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from painted_words import PLAIN, PaintedReader, ReadsRed

from config.errors import UserError
from config.schema.detection import DetectionConfig, DetectionTest
from config.schema.word_datasets import IcdarDataset
from metrics.detection_iou import Counts
from utils.evaluate import detection_job as evaluation
from utils.evaluate.contact_sheet import ContactSheet
from utils.evaluate.detector import DetectionResult, ImageOutcome, evaluate_detector
from utils.evaluate.results import format_table, image_lines, summary, write_results

CPU = torch.device("cpu")
TEST = DetectionTest(dataset=IcdarDataset(root="unused"), canvas_size=640, mag_ratio=1.0)
EXPECTED = Counts(images=4, gt_care=6, det_care=5, matched=4)


def run(test: DetectionTest = TEST, **arguments) -> DetectionResult:
    return evaluate_detector(ReadsRed(), PaintedReader(), test, PLAIN, CPU, "off", **arguments)


@pytest.mark.parametrize("mag_ratio", [0.5, 1.0, 1.5, 2.0])
def test_counts_and_image_coordinates(mag_ratio: float) -> None:
    result = run(TEST.model_copy(update={"mag_ratio": mag_ratio}))
    assert result.counts == EXPECTED
    assert (result.counts.precision, result.counts.recall) == (4 / 5, 4 / 6)
    assert result.counts.hmean == pytest.approx(8 / 11)
    assert result.counts == EXPECTED
    assert result.records["a/second"].pairs == ((0, 0),)
    assert result.records["third"].ignored == (1,)
    # Boxes join the centres of the outermost map pixels: within a map pixel of the truth, whatever the scale.
    first = result.detections["first"].boxes[0]
    assert np.abs(first - PaintedReader().samples[0].word_quads[0]).max() <= 2.5 / mag_ratio + 2


def test_unreadable_image_counts_as_without_detections(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        result = run()
    assert result.unreadable == ["broken: image: cut off"]
    assert result.records["broken"].counts == Counts(1, 1, 0, 0)
    assert "broken" not in result.detections
    assert "1 of 4 images cannot be read and count as without detections (e.g. broken: image: cut off)" in caplog.text


def test_modes_are_restored_one_by_one() -> None:
    model = ReadsRed().train()
    model.frozen.eval()  # as a frozen batch norm is
    evaluate_detector(model, PaintedReader(), TEST, PLAIN, CPU, "off")
    assert model.modes == [False] * 3
    assert (model.training, model.dropout.training, model.frozen.training) == (True, True, False)
    assert torch.is_grad_enabled()


def test_modes_are_restored_after_a_fault() -> None:
    def fail(outcome: ImageOutcome) -> None:
        raise RuntimeError(outcome.sample.sample_id)

    model = ReadsRed().train()
    with pytest.raises(RuntimeError, match="first"):
        evaluate_detector(model, PaintedReader(), TEST, PLAIN, CPU, "off", on_image=fail)
    assert model.training


def test_on_image_gets_images_in_order_with_their_own_record() -> None:
    seen: list[ImageOutcome] = []
    result = run(on_image=seen.append)
    assert [outcome.sample.sample_id for outcome in seen] == ["first", "a/second", "third"]
    for outcome in seen:
        assert outcome.record is result.records[outcome.sample.sample_id]
        assert outcome.region.shape == outcome.affinity.shape == (80, 160)
        assert outcome.region.dtype == np.float32
        assert outcome.region.max() == pytest.approx(230 / 255)


def test_empty_dataset_is_a_mistake() -> None:
    reader = PaintedReader()
    reader.samples = []
    with pytest.raises(UserError, match="holds no image"):
        evaluate_detector(ReadsRed(), reader, TEST, PLAIN, CPU, "off")


def test_results_file(tmp_path: Path) -> None:
    result = run()
    path = write_results(tmp_path / "eval", summary(result, TEST, "best.pth", "ab12"), image_lines(result))
    values = json.loads(path.read_text())
    assert values.pop("seconds") > 0
    assert values == {
        "precision": 0.8,
        "recall": 4 / 6,
        "hmean": result.counts.hmean,
        "images": 4,
        "gt_care": 6,
        "det_care": 5,
        "matched": 4,
        "protocol": "icdar2015_iou",
        "thresholds": {"text_threshold": 0.7, "low_text": 0.4, "link_threshold": 0.4, "iou": 0.5},
        "canvas_size": 640,
        "mag_ratio": 1.0,
        "poly": False,
        "checkpoint": "best.pth",
        "checkpoint_sha256": "ab12",
        "unreadable": 1,
    }
    lines = [json.loads(line) for line in (tmp_path / "eval" / "images.jsonl").read_text().splitlines()]
    assert [line["sample_id"] for line in lines] == ["first", "a/second", "third", "broken"]
    assert sum(line["matched"] for line in lines) == 4
    assert lines[3] == {
        "sample_id": "broken",
        "gt_care": 1,
        "det_care": 0,
        "matched": 0,
        "pairs": [],
        "ignored": [],
        "readable": False,
        "detections": [],
    }
    assert [len(line["detections"]) for line in lines] == [2, 2, 2, 0]
    assert lines[0]["detections"][0]["score"] == pytest.approx(230 / 255, abs=1e-4)
    assert np.array(lines[0]["detections"][0]["points"]).shape == (4, 2)


def test_table_is_aligned() -> None:
    table = format_table({"icdar2015": Counts(500, 2077, 2046, 1696), "mine": Counts(1, 0, 0, 0)})
    lines = table.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["dataset", "images", "words", "detections", "matched", "precision", "recall", "hmean"]
    assert lines[2].split() == ["icdar2015", "500", "2,077", "2,046", "1,696", "0.8289", "0.8166", "0.8227"]
    assert lines[3].split() == ["mine", "1", "0", "0", "0", "0.0000", "0.0000", "0.0000"]


@pytest.mark.parametrize(("limit", "cells"), [(8, 3), (2, 1), (1, 1)])  # the last of an even spread is the broken one
def test_contact_sheet(limit: int, cells: int) -> None:
    sheet = ContactSheet(4, limit)
    run(on_image=sheet.add)
    assert len(sheet._cells) == cells
    picture = sheet.render("painted   hmean 0.727")
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert (picture == (30, 136, 255)).all(axis=-1).any()  # a right detection, or at least its legend


CONFIG = DetectionConfig(name="painted", device="cpu", amp="off", test={"a b": TEST, "drawn": TEST})


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DetectionConfig:
    """A configuration whose dataset is the painted one and whose checkpoint loads as `ReadsRed`."""
    monkeypatch.setattr("data.readers.open_dataset", lambda _config: PaintedReader())
    loaded = (ReadsRed().eval(), PLAIN)
    monkeypatch.setattr("utils.run.checkpoint.load_detector", lambda _path, _config, _device, content: loaded)
    monkeypatch.setattr("data.preprocess.Preprocess", lambda _mean, _std: PLAIN)
    folder = tmp_path / "exp" / "painted" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({"craft": {}}, folder / "best.pth")
    tests = {"a b": TEST, "drawn": TEST.model_copy(update={"vis_opt": True})}
    return CONFIG.model_copy(
        update={"results_dir": str(tmp_path / "exp"), "vis_test_dir": str(tmp_path / "vis"), "test": tests}
    )


def test_whole_job(stubbed: DetectionConfig, tmp_path: Path) -> None:
    table = evaluation.evaluate(stubbed, draw=str(tmp_path / "sheet.png"))
    assert table.count("0.7273") == 2
    for name in ("a_b", "drawn"):
        values = json.loads((tmp_path / "exp/painted/eval" / name / "results.json").read_text())
        assert values["hmean"] == pytest.approx(8 / 11)
        weights = (tmp_path / "exp/painted/checkpoints/best.pth").read_bytes()
        assert values["checkpoint_sha256"] == hashlib.sha256(weights).hexdigest()
        assert (tmp_path / f"sheet_{name}.png").is_file()
    drawings = sorted(path.name for path in (tmp_path / "vis" / "drawn").iterdir())
    assert drawings == ["a_second.jpg", "first.jpg", "third.jpg"]
    assert not (tmp_path / "vis" / "a_b").exists()
    assert cv2.imread(str(tmp_path / "vis" / "drawn" / "first.jpg")).shape == (160, 648, 3)


def test_one_test_of_several(stubbed: DetectionConfig, tmp_path: Path) -> None:
    table = evaluation.evaluate(stubbed, test="a b", draw=str(tmp_path / "sheet.png"))
    assert len(table.splitlines()) == 3
    assert (tmp_path / "sheet.png").is_file()


@pytest.mark.parametrize(
    ("update", "arguments", "message"),
    [
        ({}, {"test": "drawm"}, "--test drawm: there is no such entry under `test` \\(did you mean 'drawn'\\)"),
        ({"test": {}}, {}, "no entry under `test`"),
        ({}, {"checkpoint": "no.pth"}, "no.pth: there is no such file; check --checkpoint"),
        ({"trained_model": "no.pth"}, {}, "no.pth: there is no such file; check trained_model"),
        (
            {"name": "new"},
            {},
            "best.pth: this run has no checkpoint yet; make one with `python trainSynth.py --yaml new`",
        ),
        ({}, {"draw": "sheet.txt"}, "--draw sheet.txt: name a .png or .jpg file"),
    ],
)
def test_mistakes(stubbed: DetectionConfig, update: dict, arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        evaluation.evaluate(stubbed.model_copy(update=update), **arguments)


@pytest.mark.parametrize(
    ("name", "safe"),
    [("8/ballet_106_0.jpg", "8_ballet_106_0.jpg"), ("../../x", "_.._x"), ("..", "_"), ("été 1", "été_1")],
)
def test_safe_names(name: str, safe: str) -> None:
    assert evaluation.safe_name(name) == safe
