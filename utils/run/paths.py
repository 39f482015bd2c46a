"""The run folder of a configuration."""

from __future__ import annotations

from pathlib import Path

from config.schema.run import RunConfig
from utils.run.folder import RunFolder


def run_folder(config: RunConfig) -> RunFolder:
    """Return the folder `results_dir/name` of a loaded configuration (its name is never null)."""
    assert config.name is not None
    return RunFolder(Path(config.results_dir) / config.name)
