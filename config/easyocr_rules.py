"""What may become of a key of EasyOCR's, and the table of all keys of a trainer.

A `*` in a key stands for the name of an evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from config.origins import dotted
from config.yaml_strict import Path


@dataclass(frozen=True)
class Moved:
    """The value, a whole section's too, is the same under another key.

    Attributes:
        to: the native key.
        values: for a key that is true or false, what the two become.
        when: tells of a `Translation` whether the key means anything in its file; otherwise it is ignored with a
            warning. None: always.
    """

    to: str
    values: Mapping[bool, Any] | None = None
    when: Callable[[Any], bool] | None = None


@dataclass(frozen=True)
class Only:
    """A key that may have one value. Attributes: value: this value. to: the native key of that meaning, if any."""

    value: str
    to: str = ""


@dataclass(frozen=True)
class Handled:
    """A key whose meaning a function works out.

    Attributes:
        by: is called with the `Translation` once for a file, after the other rules, whether or not it has the key.
        to: the native key that comes closest, for those who write EasyOCR's key into a native file.
    """

    by: Callable[[Any], None]
    to: str = ""


@dataclass(frozen=True)
class Ignored:
    """A key that is accepted and named in the warning. Attributes: reason: why it means nothing here."""

    reason: str


Rule = Moved | Only | Handled | Ignored


@dataclass
class Dialect:
    """The YAML files of a trainer.

    Attributes:
        trainer: its name in messages.
        model: the native schema that its files are turned into.
        rules: what becomes of each key.
        marks: tells by its keys whether a file is written for this trainer.
        none_is_null: whether the text `None` means null.
    """

    trainer: str
    model: type[BaseModel]
    rules: Mapping[str, Rule]
    marks: Callable[[dict[str, Any]], bool]
    none_is_null: bool = field(default=False, kw_only=True)

    @cached_property
    def sections(self) -> frozenset[str]:
        """The keys that hold other keys."""
        return frozenset(key.rsplit(".", depth)[0] for key in self.rules for depth in range(1, key.count(".") + 1))

    @cached_property
    def synonyms(self) -> dict[str, str]:
        """Native keys by EasyOCR's, where the two differ."""
        named = {key: rule.to for key, rule in self.rules.items() if not isinstance(rule, Ignored) and "*" not in key}
        return {theirs: ours for theirs, ours in named.items() if ours not in ("", theirs)}

    def key_of(self, path: Path) -> str:
        """Return a path as the table has it: `test.icdar2013.poly` as `test.*.poly`."""
        if dotted(path) not in self.rules and len(path) > 1 and f"{path[0]}.*" in self.sections:
            path = (path[0], "*", *path[2:])
        return dotted(path)

    def wrote(self, data: dict[str, Any]) -> bool:
        """Tell whether these settings are written for this trainer; a file with a `task` never is."""
        return "task" not in data and self.marks(data)

    def knows(self, path: tuple[str, ...]) -> bool:
        """Tell whether an override's path is one of the keys, or lies inside a section that moves whole."""
        return any(self.key_of(path[:length]) in self.rules for length in range(1, len(path) + 1))
