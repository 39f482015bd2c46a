"""The sheet of pseudo-labels: of a run's own, and of a few images where there are none."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
import torch
from tiny_icdar import recipe, write_icdar

from config.errors import UserError
from config.loader import load_config
from data.readers import open_datasets
from model.craft import Craft
from utils.check.pseudo_labels import _settings, draw_pseudo_labels
from utils.run.folder import run_folder
from utils.tasks.teacher import label_dataset

CPU = torch.device("cpu")


@pytest.fixture
def job(tmp_path: Path):
    train = write_icdar(tmp_path / "train", 30, seed=1)
    path = recipe(tmp_path / "job.yaml", train, train)
    torch.manual_seed(0)
    torch.save(Craft(0.1).state_dict(), tmp_path / "start.pth")
    small = ["train.weak.crop_height=32", f"train.ckpt_path={tmp_path / 'start.pth'}"]
    return lambda *extra: load_config(str(path), [*small, *extra], "detection")


def test_a_few_images_are_labelled_with_the_starting_weights(job, tmp_path: Path) -> None:
    sentence = draw_pseudo_labels(job(), tmp_path / "sheet.png")
    assert "labelled with" in sentence and "48 words of 24 images labelled, mean confidence" in sentence
    assert cv2.imread(str(tmp_path / "sheet.png")) is not None
    assert not (tmp_path / "exp").exists()


def test_the_labels_of_the_run_come_first(job, tmp_path: Path) -> None:
    config = job()
    reader = open_datasets(config.train.weak.datasets)
    model = Craft(0.1)
    model.load_state_dict(torch.load(tmp_path / "start.pth", weights_only=True))
    root = run_folder(config).pseudo_labels
    settings = _settings(config, "off")
    label_dataset(model, reader, settings, root, CPU, progress=False).finish()
    sentence = draw_pseudo_labels(config, tmp_path / "with.png")
    assert "labels of the run" in sentence and "60 words of 30 images" in sentence
    assert "without region scores" not in sentence
    # Settings that were changed since are not those of the labels; nor are other weights.
    other = job("train.weak.crop_height=64", "train.ckpt_path=null")
    sentence = draw_pseudo_labels(other, tmp_path / "without.png")
    assert "60 words of 30 images" in sentence and "without region scores" in sentence
    heights = [cv2.imread(str(tmp_path / name)).shape[0] for name in ("with.png", "without.png")]
    assert heights[0] > heights[1]


@pytest.mark.parametrize(
    ("extra", "name", "message"),
    [
        (["train.weak=null"], "sheet.png", "has no train.weak section"),
        (["train.ckpt_path=null"], "sheet.png", "there is nothing to label with; give train.ckpt_path=FILE"),
        (["train.ckpt_path=nowhere.pth"], "sheet.png", "nowhere.pth: there is no such file of weights"),
        ([], "sheet.gif", "--pseudo-labels .*sheet.gif: name a .png or .jpg file"),
    ],
)
def test_mistakes(job, tmp_path: Path, extra: list[str], name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        draw_pseudo_labels(job(*extra), tmp_path / name)
