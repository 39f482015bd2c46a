"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest
from hypothesis import settings
from tiny_synthtext import write_synthtext

# OpenCV's threads do not come along into a forked process, where it would wait for them for ever.
cv2.setNumThreads(1)

# The same examples in every run, so that a change is never stopped by an example that somebody else's code fails on;
# `make explore` looks for new ones, many more of them.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=2000, deadline=None, print_blob=True)
settings.load_profile("repeatable")


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
