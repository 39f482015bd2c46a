"""What a researcher adds in one file, as docs/extending.md has it: what it does to a run, and what mistakes say."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
import pytest
import torch
from documented import add
from pydantic import Field
from tiny_words import recognition_yaml, write_words

import predict
import train
from config.errors import UserError
from config.loader import load_config
from config.schema.training import Training
from data.augment.registry import GEOMETRIC
from data.detection import DetectionTrainingSet
from data.readers import open_datasets
from data.recognition.alphabet import Alphabet
from data.recognition.readers import open_words
from data.recognition.training_set import WordTrainingSet
from utils.engine.schedule import learning_rate
from utils.evaluate.detection_job import evaluate
from utils.train_job import train_job

for path in (
    "loss/focal.py",
    "model/toy.py",
    "utils/engine/schedules/polynomial.py",
    "data/augment/shear.py",
    "data/augment/inverted.py",
):
    add(path)


@GEOMETRIC.register("test_shift")
def shift(size, rng, *, pixels: Annotated[float, Field(ge=0)]) -> np.ndarray:
    return np.array([[1, 0, pixels], [0, 1, 0], [0, 0, 1]], np.float64)


def run(overrides, *extra, resume=False):
    return train_job(load_config("craft_tiny", [*overrides, *extra], "detection"), resume=resume)


def lines(folder):
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return [record for record in records if record["split"] == "train"]


def test_a_loss(overrides):
    plain = lines(run(overrides, "train.end_iter=2"))
    focal = lines(run(overrides, "train.end_iter=2", "name=f", "train.loss=focal", "train.loss_options.gamma=1"))
    assert focal[0]["loss"] == pytest.approx(focal[0]["loss_region"] + focal[0]["loss_affinity"])
    assert focal[0]["loss"] != plain[0]["loss"] and np.isfinite(focal[1]["loss"])


def test_a_schedule(overrides):
    squared = [*overrides, "train.schedule=polynomial", "train.schedule_options={power: 2}", "train.lr=1"]
    folder = run(squared, "train.end_iter=4")
    assert [line["lr"] for line in lines(folder)] == pytest.approx([1, 9 / 16, 1 / 4, 1 / 16])
    settings = Training(schedule="polynomial", lr=1.0, warmup_iter=2, end_iter=12)
    assert learning_rate(0, settings) == 0.5 and learning_rate(7, settings) == pytest.approx(0.5**0.9)
    with pytest.raises(UserError, match="polynomial schedule of the iterations already done"):
        run(squared, "train.end_iter=8", resume=True)


def test_a_detector_is_trained_resumed_evaluated_and_used(overrides, scenes, capsys):
    toy = ("model.name=toy", "model.options.channels=4")
    folder = run(overrides, *toy)
    checkpoint = torch.load(folder.best, weights_only=True)
    assert checkpoint["craft"]["head.weight"].shape == (2, 4, 1, 1)
    assert lines(run(overrides, *toy, "train.end_iter=8", resume=True))[-1]["step"] == 8
    assert "test" in evaluate(load_config("craft_tiny", [*overrides, *toy], "detection"), test="test")

    predict.main(["--detector", str(folder.best), str(scenes / "8"), "--device", "cpu", "--text-threshold", "0.01"])
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(found) == 9 and all("words" in image for image in found)

    with pytest.raises(UserError, match="is for detectors on VGG16-BN, not for"):
        run(overrides, *toy, "name=other", "model.backbone_weights=imagenet")


def sample(overrides, *extra):
    plain = ["train.data.augment.random_crop.option=false", "train.data.augment.random_colorjitter.option=false"]
    config = load_config("craft_tiny", [*overrides, *plain, *extra], "detection")
    return DetectionTrainingSet(open_datasets(config.train.datasets), config.train.data, config.seed)[3]


def test_a_geometric_augmentation_moves_image_and_boxes(overrides):
    still = sample(overrides)
    same = sample(overrides, "train.data.augment.geometric=[{name: test_shift, options: {pixels: 0}}]")
    for name in ("image", "region", "affinity", "mask"):
        np.testing.assert_array_equal(still[name], same[name])
    moved = sample(overrides, "train.data.augment.geometric=[{name: test_shift, options: {pixels: 1000}}]")
    assert not moved["image"].any() and not moved["region"].any() and still["region"].any()
    never = sample(
        overrides, "train.data.augment.geometric=[{name: test_shift, probability: 0, options: {pixels: 1000}}]"
    )
    np.testing.assert_array_equal(still["image"], never["image"])


def test_shear_keeps_the_middle():
    matrix = GEOMETRIC.bind("shear", {"max_angle": 45})((101, 60), np.random.default_rng(0))
    assert 0 < abs(matrix[0, 1]) <= 1 and matrix @ [7, 50, 1] == pytest.approx([7, 50, 1])


def test_a_photometric_augmentation_changes_the_picture_alone(overrides):
    noise = "train.data.augment.photometric=[{name: gaussian_noise, options: {sigma: [5, 5]}}]"
    colours = "train.data.augment.random_colorjitter.option=true"
    plain, noisy = sample(overrides, colours), sample(overrides, colours, noise)
    difference = noisy["image"].astype(int) - plain["image"]
    inside = (plain["image"] > 30) & (plain["image"] < 225)
    assert difference[inside].std() == pytest.approx(5, rel=0.05)
    np.testing.assert_array_equal(plain["region"], noisy["region"])
    np.testing.assert_array_equal(noisy["image"], sample(overrides, colours, noise)["image"])


def test_a_word_augmentation_changes_the_picture_before_it_is_padded(tmp_path):
    job = recognition_yaml(tmp_path / "job.yaml", write_words(tmp_path / "train", 8, seed=1), tmp_path)
    wanted = {"name": "inverted"}

    def first(extra: list) -> np.ndarray:
        config = load_config(str(job), [f"train.data.extra_augment={json.dumps(extra)}", "train.data.augment={}"])
        words = open_words(config.train.datasets[0])
        return WordTrainingSet(words, Alphabet(config.characters), config.train.data, 1, batch=2)[0]["image"]

    assert abs(first([wanted]).astype(int) + first([]) - 255).max() <= 1
    np.testing.assert_array_equal(first([]), first([{**wanted, "probability": 0}]))
    with pytest.raises(UserError, match=r"extra_augment\.0\.name is 'invertd'.* did you mean 'inverted'"):
        train.main([f"--yaml={job}", "train.data.extra_augment=[{name: invertd}]"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "train.loss=fokal",
            "train.loss is 'fokal', a loss which does not exist; did you mean 'focal'?",
        ),
        ("train.loss='3'", "train.loss is the text '3', but must be 2 or 3, or a name; write it without quotes"),
        ("train.loss_options.gamma=1", "train.loss_options are those of a loss with a name; loss 3 has"),
        ("train.schedule=cosin", "train.schedule is 'cosin', a schedule which does not exist; did you mean 'cosine'?"),
        (
            "train.schedule_options.power=1",
            "train.schedule_options: the schedule 'step' has no options; leave them out",
        ),
        ("model.name=kraft", "model.name is 'kraft', a detector which does not exist; did you mean 'craft'?"),
        (
            "train.data.augment.photometric=[{name: gaussian_nose}]",
            "train.data.augment.photometric.0.name is 'gaussian_nose', a photometric augmentation which does not "
            "exist; did you mean 'gaussian_noise'?",
        ),
        (
            "train.data.augment.photometric=[{name: gaussian_noise, options: {sigma: 5}}]",
            "train.data.augment.photometric.0.name=gaussian_noise: train.data.augment.photometric.0.options.sigma "
            "is 5, but must be a list of 2 numbers, each from 0 to 255",
        ),
        (
            "train.data.augment.geometric=[{name: test_shift, options: {pixel: 5}}]",
            "there is no key 'pixel' in train.data.augment.geometric.0.options; did you mean",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_one_sentence_before_anything_is_done(overrides, override, expected, tmp_path):
    with pytest.raises(UserError) as fault:
        train.main(["--yaml=craft_tiny", *overrides, override])
    assert expected in str(fault.value) and "\n" not in str(fault.value)
    assert not (tmp_path / "exp").exists()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("train:\n  schedule: cosin\n", r":3: train\.schedule is 'cosin'"),
        ("train:\n  schedule: polynomial\n  schedule_options:\n    powr: 2\n", r":5: .* no key 'powr' in .* 'power'"),
        ("train:\n  data:\n    augment:\n      geometric:\n      - name: sheer\n", r":6: .*0\.name is 'sheer'"),
        ("test:\n  mine:\n    protocol: icdar\n    dataset: {format: synthtext, root: x}\n", r":4: test\.mine\.proto"),
    ],
)
def test_a_wrong_name_in_a_file_is_told_with_its_line(tmp_path, lines, expected):
    job = tmp_path / "job.yaml"
    job.write_text(f"task: detection\n{lines}")
    with pytest.raises(UserError, match=r"job\.yaml" + expected):
        train.main([f"--yaml={job}"])
