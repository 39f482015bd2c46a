"""Writes a configuration as YAML that readers of YAML 1.1 and of YAML 1.2 read as the same values."""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import BaseModel

from config.yaml_strict import StrictLoader

_STR = "tag:yaml.org,2002:str"
# Line breaks, control characters, byte-order marks: written as escapes, as plain and single-quoted text loses them.
_NEEDS_ESCAPES = re.compile("[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


class _StrictResolver(yaml.resolver.BaseResolver):
    """How this project reads a plain scalar."""

    yaml_implicit_resolvers = StrictLoader.yaml_implicit_resolvers


_READERS = (yaml.resolver.Resolver(), _StrictResolver())


class _Dumper(yaml.SafeDumper):
    """Block style with list items indented, lists of scalars in one line, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = None
    if _NEEDS_ESCAPES.search(value):
        style = '"'
    elif any(reader.resolve(yaml.ScalarNode, value, (True, False)) != _STR for reader in _READERS):
        style = "'"
    return dumper.represent_scalar(_STR, value, style=style)


def _represent_list(dumper: _Dumper, value: list[Any]) -> yaml.SequenceNode:
    scalars = not any(isinstance(item, list | dict) for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=scalars)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)


def dump(config: BaseModel) -> str:
    """Write every setting, defaults included, as YAML; loading it gives an equal configuration."""
    data = config.model_dump(mode="json")
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000, default_flow_style=False
    )
