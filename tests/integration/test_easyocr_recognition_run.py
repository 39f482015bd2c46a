"""EasyOCR's own file, only its paths and sizes changed, trains; and what its keys of starting weights do."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import torch
from tiny_words import write_words

from config.errors import UserError
from config.loader import load_config
from utils.evaluate.recognition_job import evaluate_words
from utils.train_job import train_job

FILE = Path(__file__).resolve().parents[1] / "config" / "fixtures" / "easyocr_recognition.yaml"


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("all_data")
    write_words(root / "en_train_filtered", 24, seed=1)
    write_words(root / "other", 16, seed=2, letters="ab?")
    write_words(root / "en_val", 8, seed=3)
    return root


@pytest.fixture
def job(words: Path, tmp_path: Path):
    text = FILE.read_text(encoding="utf-8").replace("all_data", str(words))
    for old, new in {
        "workers: 6": "workers: 0", "batch_size: 32": "batch_size: 8", "num_iter: 300000": "num_iter: 3",
        "valInterval: 20000": "valInterval: 2", "output_channel: 256": "output_channel: 16", "imgH: 64": "imgH: 32",
        "hidden_size: 256": "hidden_size: 8", "imgW: 600": "imgW: 200",
    }.items():  # fmt: skip
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")

    def load(*overrides: str):
        native = [f"results_dir={tmp_path}/exp", "device=cpu", "amp='off'", "train.log_interval=1"]
        return load_config(str(path), [*native, *overrides], ("detection", "recognition"))

    return load


def test_it_trains_and_is_evaluated(job) -> None:
    config = job()
    folder = train_job(config)
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    assert [line["step"] for line in lines if line["split"] == "train"] == [1, 2, 3]
    assert [line["words"] for line in lines if line["split"] == "validation"] == [8, 8]
    assert "validation" in evaluate_words(config)


def test_what_is_left_out_is_counted_in_the_log(job, caplog) -> None:
    folders = ["select_data=en_train_filtered-other", "batch_ratio=0.5-0.5", "symbol=''"]
    with caplog.at_level(logging.INFO):
        train_job(job(*folders))
    assert "a character is not in the alphabet" in caplog.text
    assert "'?' (U+003F) in" in caplog.text


def test_unfiltered_labels_lose_what_the_alphabet_lacks(job, caplog) -> None:
    with caplog.at_level(logging.INFO):
        train_job(job("select_data=other", "symbol=''", "data_filtering_off=True", "num_iter=1"))
    assert "characters outside the alphabet were removed" in caplog.text
    assert "a character is not in the alphabet" not in caplog.text


def test_new_prediction_starts_the_last_layer_at_random(job, tmp_path) -> None:
    first = train_job(job("name=first"))
    before = torch.load(first.last, weights_only=True)["model"]
    bare = tmp_path / "first.pth"
    torch.save({f"module.{name}": value for name, value in before.items()}, bare)
    smaller = ["symbol=''", f"saved_model={bare}", "freeze_FeatureFxtraction=True", "num_iter=1"]
    with pytest.raises(UserError, match="scores 97 classes"):
        train_job(job("name=strict", *smaller))
    folder = train_job(job("name=second", "new_prediction=True", "FT=True", *smaller))
    after = torch.load(folder.last, weights_only=True)["model"]
    assert len(after["Prediction.weight"]) == 63
    frozen = [name for name in before if name.startswith("FeatureExtraction.")]
    assert frozen and all(torch.equal(before[name], after[name]) for name in frozen)
