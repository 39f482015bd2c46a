"""Words to train a small recogniser on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_words import recognition_yaml, write_words


@pytest.fixture(scope="session")
def words(tmp_path_factory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("word_pictures")
    return write_words(root / "train", 60, seed=1), write_words(root / "test", 20, seed=2)


@pytest.fixture
def job(words, tmp_path: Path) -> Path:
    return recognition_yaml(tmp_path / "job.yaml", *words)
