"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_synthtext import write_synthtext


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    return write_synthtext(tmp_path_factory.mktemp("scenes"), count=9, seed=0)


@pytest.fixture
def overrides(scenes, tmp_path):
    """Overrides that turn the recipe `craft_tiny` into a run of seconds."""
    return [
        f"train.datasets.0.root={scenes}",
        f"test.validation.dataset.root={scenes}",
        f"test.test.dataset.root={scenes}",
        f"results_dir={tmp_path / 'exp'}",
        "name=run",
        "device=cpu",
        "amp=off",
        "model.width=0.125",
        "train.data.output_size=64",
        "train.batch_size=2",
        "train.end_iter=6",
        "train.eval_interval=4",
        "train.log_interval=1",
        "train.image_interval=100",
        "train.num_workers=0",
        "train.schedule=step",
        "train.warmup_iter=0",
    ]
