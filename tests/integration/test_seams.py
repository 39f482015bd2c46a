"""What a researcher adds in one file, each defined here, named as a YAML names it, and run to its end."""

from __future__ import annotations

import json
from typing import Annotated

import numpy as np
import pytest
import torch
from pydantic import Field
from tiny_words import recognition_yaml, write_words
from torch import nn

import predict
import train
from config.errors import UserError
from config.loader import load_config
from config.schema.base import PositiveFloat, PositiveInt
from config.schema.training import Training
from data.augment.registry import GEOMETRIC, WORD
from data.detection import DetectionTrainingSet
from data.readers import open_datasets
from data.recognition.alphabet import Alphabet
from data.recognition.readers import open_words
from data.recognition.training_set import WordTrainingSet
from loss.heatmap import HeatmapLossParts
from loss.registry import MAP_LOSSES
from model.detector import DETECTORS, Detector
from utils.engine.schedule import SCHEDULES, learning_rate, progress
from utils.evaluate.detection_job import evaluate
from utils.train_job import train_job


@MAP_LOSSES.register("test_focal")
class FocalLoss(nn.Module):
    """Squared errors weighted by |error|^gamma (after Lin et al., ICCV 2017)."""

    def __init__(self, *, gamma: PositiveFloat = 2.0) -> None:
        super().__init__()
        self.gamma = gamma

    def forward(self, scores, region, affinity, mask):
        with torch.autocast(scores.device.type, enabled=False):
            errors = scores.float() - torch.stack([region, affinity], dim=-1)
            parts = (errors.abs() ** (2 + self.gamma) * mask[..., None]).mean(dim=(0, 1, 2))
            return HeatmapLossParts(parts.sum(), parts[0], parts[1])


@DETECTORS.register("test_toy")
class ToyDetector(Detector):
    def __init__(self, width: float, *, channels: PositiveInt = 8) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, channels, 3, stride=2, padding=1), nn.ReLU())
        self.head = nn.Conv2d(channels, 2, 1)

    def forward(self, x):
        y = self.features(x)
        return self.head(y).permute(0, 2, 3, 1), y


@SCHEDULES.register("test_polynomial")
def polynomial(iteration: int, settings: Training, plateaus: int, *, power: PositiveFloat = 0.9) -> float:
    return settings.lr * (1 - progress(iteration, settings)) ** power


@GEOMETRIC.register("test_shift")
def shift(size, rng, *, pixels: Annotated[float, Field(ge=0)]) -> np.ndarray:
    return np.array([[1, 0, pixels], [0, 1, 0], [0, 0, 1]], np.float64)


@WORD.register("test_white")
def white(picture, rng, *, level: Annotated[int, Field(ge=0, le=255)]) -> np.ndarray:
    return np.full_like(picture, level)


def run(overrides, *extra, resume=False):
    return train_job(load_config("craft_tiny", [*overrides, *extra], "detection"), resume=resume)


def lines(folder):
    records = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return [record for record in records if record["split"] == "train"]


def test_a_loss(overrides):
    plain = lines(run(overrides, "train.end_iter=2"))
    focal = lines(run(overrides, "train.end_iter=2", "name=f", "train.loss=test_focal", "train.loss_options.gamma=1"))
    assert focal[0]["loss"] == pytest.approx(focal[0]["loss_region"] + focal[0]["loss_affinity"])
    assert focal[0]["loss"] != plain[0]["loss"] and np.isfinite(focal[1]["loss"])


def test_a_schedule(overrides):
    squared = [*overrides, "train.schedule=test_polynomial", "train.schedule_options={power: 2}", "train.lr=1"]
    folder = run(squared, "train.end_iter=4")
    assert [line["lr"] for line in lines(folder)] == pytest.approx([1, 9 / 16, 1 / 4, 1 / 16])
    settings = Training(schedule="test_polynomial", lr=1.0, warmup_iter=2, end_iter=12)
    assert learning_rate(0, settings) == 0.5 and learning_rate(7, settings) == pytest.approx(0.5**0.9)
    with pytest.raises(UserError, match="test_polynomial schedule of the iterations already done"):
        run(squared, "train.end_iter=8", resume=True)


def test_a_detector_is_trained_resumed_evaluated_and_used(overrides, scenes, capsys):
    toy = ("model.name=test_toy", "model.options.channels=4")
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
    wanted = {"name": "test_white", "options": {"level": 200}}

    def first(extra: list) -> np.ndarray:
        config = load_config(str(job), [f"train.data.extra_augment={json.dumps(extra)}", "train.data.augment={}"])
        words = open_words(config.train.datasets[0])
        return WordTrainingSet(words, Alphabet(config.characters), config.train.data, 1, batch=2)[0]["image"]

    assert (first([wanted]) == 200).all()
    np.testing.assert_array_equal(first([]), first([{**wanted, "probability": 0}]))
    with pytest.raises(UserError, match=r"extra_augment\.0\.name is 'test_wite'.* did you mean 'test_white'"):
        train.main([f"--yaml={job}", "train.data.extra_augment=[{name: test_wite}]"])


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        (
            "train.loss=test_fokal",
            "train.loss is 'test_fokal', a loss which does not exist; did you mean 'test_focal'?",
        ),
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
