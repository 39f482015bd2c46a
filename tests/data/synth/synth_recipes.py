"""The recipes of `config/`, with changes."""

from __future__ import annotations

from pathlib import Path

import yaml

from config.schema.generation import GenerateConfig

CONFIG = Path(__file__).resolve().parents[3] / "config"


def load(name: str, **changes: object) -> GenerateConfig:
    return GenerateConfig.model_validate({**yaml.safe_load((CONFIG / f"{name}.yaml").read_text()), **changes})
