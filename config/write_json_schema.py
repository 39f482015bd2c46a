"""Writes the files with which editors complete and check a YAML: `python -m config.write_json_schema`.

The files, `config/json_schema/TASK.json`, follow JSON Schema draft 7, which every editor knows. They hold what
concerns a single value: its key, type, bounds, default and text. Rules between keys, and the YAML files of EasyOCR's
trainers, are known to the loader alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from config.loader import CONFIG_DIR, MODELS

FOLDER = CONFIG_DIR / "json_schema"


class _Generator(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # Keys are their own titles.

    def tagged_union_schema(self, schema: Any) -> dict[str, Any]:
        """Require the key that tells the members apart, as the loader does, although each has a default for it."""
        union = super().tagged_union_schema(schema)
        return {**union, "required": [schema["discriminator"]]}


def json_schema(task: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of job, one of the keys of `MODELS`."""
    model: type[BaseModel] = MODELS[task]
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **model.model_json_schema(schema_generator=_Generator),
    }


def written(task: str) -> str:
    """Return the text of a kind of job's file."""
    return json.dumps(json_schema(task), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def path_of(task: str) -> Path:
    """Return where the file of a kind of job lies."""
    return FOLDER / f"{task}.json"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in MODELS:
        path_of(name).write_text(written(name), encoding="utf-8", newline="\n")
