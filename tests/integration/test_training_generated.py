"""Training and evaluating on scenes that are drawn on the fly, with the recipe as it is and through the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from config.errors import UserError
from config.loader import load_config
from utils.train_job import train_job

ROOT = Path(__file__).resolve().parents[2]
TINY = (
    '["layout.width=[96, 160]", "layout.height=[96, 128]", "layout.blocks=[1, 2]", "layout.text_height=[10, 16]", '
    '"text.length=[1, 6]"]'
)


@pytest.fixture
def drawn(overrides: list[str]) -> list[str]:
    """Overrides that turn the recipe `craft_generated` into a run of seconds."""
    kept = [override for override in overrides if ".root=" not in override]
    sections = ("train.datasets.0", "test.validation.dataset", "test.test.dataset")
    return [
        *kept,
        *(f"{section}.set={TINY}" for section in sections),
        *(f"{section}.samples=2" for section in sections[1:]),
        "train.datasets.0.size=50",
        "train.end_iter=4",
    ]


def train(overrides: list[str], *extra: str, resume: bool = False):
    return train_job(load_config("craft_generated", [*overrides, *extra], "detection"), resume=resume)


def records(folder) -> list[tuple]:
    lines = [json.loads(line) for line in folder.metrics.read_text().splitlines()]
    return [(one["step"], one.get("loss"), one.get("hmean")) for one in lines]


def test_a_resumed_run_is_the_same_run(drawn: list[str]) -> None:
    whole = train(drawn, "name=whole")
    train(drawn, "name=halves", "train.end_iter=2", "train.num_workers=2")
    halves = train(drawn, "name=halves", "train.num_workers=1", resume=True)
    assert set(records(whole)) <= set(records(halves)) and len(records(whole)) == 5
    first, second = (torch.load(folder.last, weights_only=True)["craft"] for folder in (whole, halves))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_other_scenes_are_another_run(drawn: list[str]) -> None:
    train(drawn, "train.end_iter=1", "train.validation=none")
    other = TINY.replace("[1, 6]", "[1, 5]")
    with pytest.raises(UserError, match=r"the training data is not what .* was trained on"):
        train(drawn, "train.validation=none", f"train.datasets.0.set={other}", resume=True)


def test_the_commands_train_and_evaluate_without_a_dataset_on_disk(drawn: list[str], tmp_path: Path) -> None:
    def command(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    said = command("trainSynth.py", "--yaml=craft_generated", *drawn, "train.num_workers=1", "train.end_iter=2")
    assert "50 scenes, drawn as they are asked for, of split 'train' of the recipe generate_demo" in said
    command("eval.py", "--yaml=craft_generated", *drawn, "--test", "test")
    assert list((tmp_path / "exp").rglob("eval/test/results.json"))
