"""What the tests of written datasets share."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.schema.generation import GenerateConfig
from data.synth.resources import Resources


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def find_fonts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find words and fonts once for all jobs that agree on what decides about them; it takes a second each time."""
    load = Resources.load

    def remembered(config: GenerateConfig) -> Resources:
        key = config.model_dump_json(exclude={"output_dir", "overwrite", "workers", "shards", "layout", "look"})
        if key not in _found:
            _found[key] = load(config)
        return _found[key]

    monkeypatch.setattr(Resources, "load", remembered)


_found: dict[str, Resources] = {}
