"""Checkpoints are whole or absent, and say what they are."""

from __future__ import annotations

import errno
import json
import logging

import pytest
import torch

from config.errors import UserError
from config.loader import load_config
from model.craft import Craft
from utils.evaluate.job import find_checkpoint
from utils.run import checkpoint

RUN = {key: {} for key in checkpoint.RUN_KEYS} | {"task": "detection", "step": 3, "craft": {}}


def test_best_and_last_are_one_file_and_the_page_beside_is_readable(tmp_path):
    checkpoint.save(tmp_path / "last.pth", {**RUN, "metrics": {"hmean": 0.5}})
    checkpoint.link(tmp_path / "last.pth", tmp_path / "best.pth")
    assert checkpoint.load(tmp_path / "best.pth", "detection")["step"] == 3
    assert json.loads((tmp_path / "best.json").read_text())["metrics"] == {"hmean": 0.5}
    checkpoint.save(tmp_path / "last.pth", {**RUN, "step": 4})
    assert checkpoint.load(tmp_path / "best.pth", "detection")["step"] == 3, "a later save must not reach into best"


def test_a_save_that_fails_leaves_the_last_good_one(tmp_path, monkeypatch):
    path = tmp_path / "last.pth"
    checkpoint.save(path, RUN)

    class Full:
        def __init__(self, file):
            self.file = file

        def write(self, data):
            if self.file.tell() > 500:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

    original = checkpoint._Recorder
    monkeypatch.setattr(checkpoint, "_Recorder", lambda file: original(Full(file)))
    with pytest.raises(
        UserError, match=r"last\.pth cannot be written \(No space left on device\).* previous file is unchanged"
    ):
        checkpoint.save(path, {**RUN, "step": 4})
    monkeypatch.undo()
    assert checkpoint.load(path, "detection")["step"] == 3
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["last.json", "last.pth"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "newer version"),
        ({"format": "one"}, "holds no run"),
        ({"task": "recognition"}, "task 'recognition'"),
    ],
)
def test_what_cannot_be_resumed(tmp_path, change, words):
    torch.save({**RUN, "format": 1, **change}, tmp_path / "a.pth")
    with pytest.raises(UserError, match=words):
        checkpoint.load(tmp_path / "a.pth", "detection")


def test_the_detector_of_a_checkpoint_brings_its_own_preprocessing_and_averaged_weights(tmp_path, caplog):
    torch.manual_seed(0)
    raw, averaged = Craft(width=0.125), Craft(width=0.125)
    content = {"craft": raw.state_dict(), "ema": averaged.state_dict()}
    content["preprocess"] = {"mean": [0.5, 0.5, 0.5], "std": [0.1, 0.1, 0.1]}
    torch.save(content, tmp_path / "a.pth")
    config = load_config("craft_tiny", ["model.width=0.125"], "detection")
    with caplog.at_level(logging.WARNING):
        loaded = checkpoint.load_detector(tmp_path / "a.pth", config, torch.device("cpu"))
    assert loaded.preprocess.mean == (0.5, 0.5, 0.5) and "instead of the YAML's" in caplog.text
    assert torch.equal(loaded.model.conv_cls[0].weight, averaged.conv_cls[0].weight)
    assert not loaded.model.training


def test_a_run_that_was_not_evaluated_is_judged_by_its_last_checkpoint(tmp_path):
    config = load_config("craft_tiny", [f"results_dir={tmp_path}", "name=run"], "detection")
    with pytest.raises(UserError, match="no checkpoint yet"):
        find_checkpoint(config, None)
    last = tmp_path / "run" / "checkpoints" / "last.pth"
    checkpoint.save(last, RUN)
    assert find_checkpoint(config, None) == last
    checkpoint.link(last, last.with_name("best.pth"))
    assert find_checkpoint(config, None) == last.with_name("best.pth")
