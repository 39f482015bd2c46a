"""Loads a configuration: from a name on the command line to validated settings.

The order is: the YAML file, `key.sub=value` overrides, then validation. Each mistake becomes one sentence with the
file and line, or with the argument.
"""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from config import yaml_strict
from config.easyocr_craft import CRAFT
from config.easyocr_recognition import RECOGNITION, REPEATED
from config.easyocr_translation import translate
from config.errors import UserError, nearest
from config.explain import explain, show
from config.origins import Origins
from config.overrides import apply_override, parse_override
from config.schema.conversion import ConvertConfig
from config.schema.detection import DetectionConfig
from config.schema.generation import GenerateConfig
from config.schema.recognition import RecognitionConfig
from config.schema.run import RunConfig
from config.yaml_dump import dump
from config.yaml_strict import Path

__all__ = ["MODELS", "TRAINED", "dump", "load_config", "recipes"]

CONFIG_DIR = pathlib.Path(__file__).resolve().parent
_SUFFIXES = (".yaml", ".yml")

Config = DetectionConfig | RecognitionConfig | GenerateConfig | ConvertConfig

MODELS: dict[str, type[Config]] = {
    "detection": DetectionConfig,
    "recognition": RecognitionConfig,
    "generate": GenerateConfig,
    "convert": ConvertConfig,
}
"""The schema of each kind of job; a YAML names its own with `task`."""

DIALECTS = {"detection": CRAFT, "recognition": RECOGNITION}
"""How EasyOCR's trainers write their YAMLs, by the task of the native settings that these become."""
TRAINED = tuple(task for task, model in MODELS.items() if issubclass(model, RunConfig))
"""The jobs of `train.py`, the usual one first."""

_FOR_EDITORS = "# yaml-language-server:"

_PROGRAMS = {
    "detection": "trainSynth.py, train.py, eval.py or check.py",
    "recognition": "train.py or eval.py",
    "generate": "generate.py",
    "convert": "convert.py",
}


def load_config(name_or_path: str, overrides: Sequence[str] = (), task: str | Sequence[str] | None = None) -> Config:
    """Load, override and validate a configuration.

    Args:
        name_or_path: NAME or NAME.yaml of a recipe in this project's `config/`, or the path of a YAML file.
        overrides: `key.sub=value` arguments, applied in order.
        task: the kind of job the program does, or several kinds, the default first; None accepts all.

    Raises:
        UserError: on any mistake in the name, the file or the overrides.
    """
    path, source = _resolve(name_or_path)
    document = yaml_strict.load(_read(path, source), source, REPEATED)
    data = document.data
    if not isinstance(data, dict):
        what = "is empty" if data is None else "does not hold `key: value` lines"
        raise UserError(f"{source} {what}; copy one of the recipes of config/ ({', '.join(recipes())})")
    origins = Origins.of_document(document, source)
    model = MODELS[_task(data, origins, (task,) if isinstance(task, str) else tuple(task or ()))]

    waiting = [parse_override(argument) for argument in overrides]
    foreign = _easyocr_task(data)
    if foreign is not None:
        dialect = DIALECTS[foreign]
        early = [item for item in waiting if dialect.knows(item[0])]
        for keys, value in early:
            apply_override(data, origins, keys, value, model)
        data, origins = translate(dialect, foreign, data, origins)
        waiting = [item for item in waiting if not dialect.knows(item[0])]
    for keys, value in waiting:
        apply_override(data, origins, keys, value, model)
    if "name" in model.model_fields and data.get("name") is None:
        data["name"] = path.stem
    return _validate(data, origins, model)


def recipes(task: str | Sequence[str] | None = None) -> dict[str, str]:
    """Return the names of the YAML files in `config/`, optionally of some tasks, with their first comment.

    The comment that names the JSON Schema for editors is skipped.
    """
    wanted = (task,) if isinstance(task, str) else task
    found = {}
    for path in sorted(CONFIG_DIR.glob("*.yaml")):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(_FOR_EDITORS)]
        kind = next((line.split(":", 1)[1].split("#")[0].strip() for line in lines if line.startswith("task:")), None)
        if not wanted or (kind or "detection") in wanted:
            found[path.stem] = lines[0].lstrip("# ").strip() if lines and lines[0].startswith("#") else ""
    return found


def _validate(data: dict[str, Any], origins: Origins, model: type[BaseModel]) -> Any:
    for path, value in _numbers(data, ()):
        if not math.isfinite(value):
            origin = origins.find(path)
            raise UserError(f"{origin.place}: {origin.name} is {value}, but must be a finite number")
    try:
        # As JSON, because strict validation of Python data would refuse lists where a field is a tuple.
        config = model.model_validate_json(json.dumps(data))
    except ValidationError as error:
        dialect = RECOGNITION if model is RecognitionConfig else CRAFT
        raise explain(error, model, origins, dialect.synonyms) from None
    if isinstance(config, RunConfig):
        config.origins.entries.update(origins.entries)
    return config


def _numbers(value: Any, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _numbers(inner, (*path, key))


def _easyocr_task(data: dict[str, Any]) -> str | None:
    """Return the task of a file in EasyOCR's format; None for a native file."""
    return next((task for task, dialect in DIALECTS.items() if dialect.wrote(data)), None)


def _task(data: dict[str, Any], origins: Origins, wanted: tuple[str, ...]) -> str:
    found = data.get("task")
    if found is None:
        # EasyOCR's files, and native ones that leave the task out.
        found = _easyocr_task(data) or next(iter(wanted), "detection")
    place = origins.find(("task",)).place
    if not isinstance(found, str) or found not in MODELS:
        similar = nearest(found, MODELS) if isinstance(found, str) else None
        hint = f"did you mean '{similar}'?" if similar else f"write one of {', '.join(MODELS)}"
        raise UserError(f"{place}: task is {show(found)}, which does not exist; {hint}")
    if wanted and found not in wanted:
        names = "' or '".join(wanted)
        raise UserError(
            f"{place}: this is a configuration for task '{found}', but one for task '{names}' is wanted here; "
            f"use it with {_PROGRAMS.get(found, 'train.py')}, or choose one of {', '.join(recipes(wanted))}"
        )
    return found


def _resolve(name_or_path: str) -> tuple[pathlib.Path, str]:
    """Return the path of the file and its name in messages.

    A bare name is a recipe, whatever the current folder is; a name with a folder is a path.
    """
    given = pathlib.Path(name_or_path).expanduser()
    bare = len(given.parts) == 1 and given.name == name_or_path
    recipe = CONFIG_DIR / (given.name if given.suffix in _SUFFIXES else f"{given.name}.yaml")
    if bare and recipe.is_file():
        if given.suffix in _SUFFIXES and given.is_file() and not given.samefile(recipe):
            raise UserError(
                f"'{name_or_path}' is both a recipe and a file in this folder; "
                f"write {given.stem} for the recipe or ./{name_or_path} for the file"
            )
        return recipe, f"config/{recipe.name}"
    if given.is_dir():
        inside = sorted(path for suffix in _SUFFIXES for path in given.glob(f"*{suffix}"))
        raise UserError(f"'{name_or_path}' is a folder; give a YAML file{f', such as {inside[0]}' if inside else ''}")
    if given.is_file():
        return given, str(given)
    known = list(recipes())
    similar = nearest(given.stem, known)
    hint = f"did you mean '{similar}'?" if similar else f"the recipes are {', '.join(known)}"
    raise UserError(f"there is no configuration '{name_or_path}', neither a recipe in config/ nor a file; {hint}")


def _read(path: pathlib.Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{source} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{source} cannot be read: {error.strerror}") from None
