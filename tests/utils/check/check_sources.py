"""Opens tiny datasets for the tests of the check."""

from __future__ import annotations

from pathlib import Path

from tiny_icdar import recipe, write_icdar

from config.loader import load_config
from config.schema.detection import DetectionConfig
from utils.check.sources import Source, open_sources


def opened(tmp_path: Path, train_images: int = 5, test_images: int = 3) -> tuple[DetectionConfig, list[Source]]:
    """Write a training set and a test set and open them: `train.weak.datasets.0` and `test.mine`."""
    train = write_icdar(tmp_path / "train", train_images, seed=1)
    test = write_icdar(tmp_path / "test", test_images, seed=2)
    return reopened(tmp_path, train, test)


def reopened(tmp_path: Path, train: Path, test: Path) -> tuple[DetectionConfig, list[Source]]:
    """Open the two datasets as they are now."""
    config = load_config(str(recipe(tmp_path / "job.yaml", train, test)), [], "detection")
    assert isinstance(config, DetectionConfig)
    sources, problems = open_sources(config)
    assert not problems
    return config, sources
