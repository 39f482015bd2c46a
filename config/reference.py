"""Writes `docs/configuration.md` from the schema: `python -m config.reference > docs/configuration.md`."""

from __future__ import annotations

import inspect
import sys
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.loader import MODELS
from config.schema_tree import ITEM, NAME, Kind, describe, kind_of

_INTRODUCTION = """\
# Configuration

<!-- Written by `python -m config.reference > docs/configuration.md` from the schema in config/schema/. -->

A job is one YAML file: `python X.py --yaml NAME_OR_PATH [key.sub=value ...]`. `NAME` is a file of `config/`, whatever
the current folder is; anything else is the path of a YAML file. Keys that a file leaves out have the default below.
`key.sub=value` arguments override the file: `train.lr=5e-5`, `train.datasets.0.root=/data/SynthText/`,
`train.data.mean=[0.5, 0.5, 0.5]`. `--print-config` prints all settings as they would be used; the same text is saved
with the run.

- An unknown key is an error, whose message suggests the nearest key. A value is never converted: `5.0` is not a whole
  number, `"5"` is not a number. A whole number is also a number.
- Scalars are read as in YAML 1.2: only `true` and `false` are booleans (`off` and `no` are strings), `1e-4` is a
  number, `012` and `1_000` are not. A key given twice is an error.
- In the paths below, `N` is the index of a list item, counted from 0, and `NAME` a name of your choice.
- Editors that support YAML schemas (VS Code with its YAML extension, PyCharm, Neovim and others) complete the keys and
  show the descriptions below. For this, start your file with the first line of the recipes in `config/`,
  `# yaml-language-server: $schema=json_schema/detection.json`, with the path from your file to that schema.
- The YAML files of EasyOCR's CRAFT trainer load unchanged; `--print-config` shows the resulting settings. `amp: True`
  becomes `bf16`, `variance` becomes `std`, `syn_aug` becomes `train.data.augment`, and the settings of weak supervision
  go to `train.weak`. `key.sub=value` arguments may also use EasyOCR's paths.
- The YAML file of EasyOCR's recognition trainer, `en_filtered_config.yaml`, loads unchanged, too. Each folder of
  `select_data` becomes a dataset of format `labels_csv`, `valid_data` becomes `test.validation`, and `number`, `symbol`
  and `lang_char` together become `characters`. EasyOCR silently leaves out labels that are too long or that the
  alphabet cannot write; here they are left out, too (`max_dropped: 1`), and the log counts them by reason. All labels
  of `valid_data` are evaluated. With `optim: 'adam'`, EasyOCR's code ignores `lr`; here it is used. The file's 1.0 is a
  value for Adadelta; for Adam use 1e-3.
"""

_TITLES = {
    "detection": "Detection (`task: detection`)",
    "recognition": "Recognition (`task: recognition`)",
    "generate": "Generating data (`task: generate`)",
    "convert": "Converting pictures of words (`task: convert`)",
}


def reference() -> str:
    """Return the whole page as Markdown."""
    parts = [_INTRODUCTION]
    for task, model in MODELS.items():
        parts.append(f"## {_TITLES.get(task, task)}\n")
        uses: dict[type[BaseModel], list[str]] = {}
        _collect(model, "", uses)
        parts += [_section(section, paths) for section, paths in uses.items()]
    return "\n".join(parts)


def _collect(section: type[BaseModel], path: str, uses: dict[type[BaseModel], list[str]]) -> None:
    """Collect every section with all paths where it is used, in the order of the page."""
    uses.setdefault(section, []).append(path)
    for name, field in section.model_fields.items():
        for inner, suffix in _sections_in(kind_of(field)):
            _collect(inner, f"{path}.{name}{suffix}".lstrip("."), uses)


def _sections_in(kind: Kind) -> list[tuple[type[BaseModel], str]]:
    if kind.is_section:
        return [(kind.bare, "")]
    if kind.sections:
        return [(section, "") for section in dict.fromkeys(kind.sections.values())]
    if kind.origin in (list, dict):
        step = ITEM if kind.origin is list else NAME
        return [(inner, f".{step}{rest}") for inner, rest in _sections_in(kind_of(get_args(kind.bare)[-1]))]
    return []


def _section(section: type[BaseModel], paths: list[str]) -> str:
    formats = [get_args(field.annotation) for name, field in section.model_fields.items() if name == "format"]
    title = ", ".join(f"`{path}`" for path in paths) if paths[0] else "Top level"
    if formats:
        title += f" with format {' or '.join(formats[0])}"
    lines = [f"### {title}", "", _one_line(inspect.getdoc(section) or ""), ""]
    lines += ["| key | value | default | meaning |", "|---|---|---|---|"]
    for name, field in section.model_fields.items():
        kind = kind_of(field)
        value = "section" if kind.is_section else describe(kind)
        meaning = field.description or _summary(name, kind)
        lines.append(f"| `{name}` | {_cell(value)} | {_default(field, kind)} | {_cell(meaning)} |")
    return "\n".join([*lines, ""])


def _summary(name: str, kind: Kind) -> str:
    """Return the description of a key that has no docstring, from its type."""
    if kind.is_section:
        return _one_line(inspect.getdoc(kind.bare) or "")
    if kind.origin is dict:
        return f"The table of `{name}.{NAME}` has the keys of each."
    return {"task": "The kind of job.", "format": "How the annotation is written."}.get(name, "")


def _default(field: FieldInfo, kind: Kind) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        changed = value.model_dump(mode="json", exclude_unset=True)
        return f"`{_yaml(changed)}`" if changed else "its own defaults"
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:g}" if value and abs(value) < 1e-3 else str(value)
    if isinstance(value, list | dict):
        return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=100_000).strip()
    return str(value)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _one_line(text).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(reference())
