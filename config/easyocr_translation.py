"""From the settings of one of EasyOCR's files to native ones, by the rules of its dialect.

A file is recognised by keys that only it has, and turned into the native settings before validation. A key that means
nothing here any more is accepted and named in one warning; a key that never meant anything is an error, as everywhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from config.easyocr_rules import Dialect, Handled, Moved, Only
from config.errors import UserError, nearest
from config.explain import nearest_path, show
from config.origins import Origins, dotted
from config.schema_tree import dotted_paths
from config.yaml_strict import Path

_log = logging.getLogger(__name__)

_LISTED = 30
"""Up to this many keys of a section are listed where a key is wrong and resembles none of them."""


def translate(dialect: Dialect, task: str, data: dict[str, Any], origins: Origins) -> tuple[dict[str, Any], Origins]:
    """Turn EasyOCR's settings into native ones.

    Args:
        dialect: that of the file.
        task: what the native settings are for.
        data: the parsed file, with the overrides that use EasyOCR's paths.
        origins: where each value was written.

    Returns:
        The native settings, not yet validated, and the origins by their paths there.

    Raises:
        UserError: on a key or a value that EasyOCR's trainer does not have.
    """
    translation = Translation(dialect, task, data, origins)
    translation.apply()
    if translation.unused:
        names = ", ".join(origins.find(path).name for path in translation.unused)
        _log.warning("These settings of EasyOCR's trainer mean nothing here and are ignored: %s", names)
    return translation.native, translation.native_origins


class Translation:
    """A file on its way; every value is either used or named in the warning.

    Args:
        dialect: that of the file.
        task: what the native settings are for.
        data: the parsed file.
        origins: where each of EasyOCR's values was written.

    Attributes:
        values: EasyOCR's values by their paths.
        unused: paths of those that nobody took, in their order.
        native: the native settings so far.
        native_origins: where each of those was written.
    """

    def __init__(self, dialect: Dialect, task: str, data: dict[str, Any], origins: Origins) -> None:
        self.dialect = dialect
        self.origins = origins
        self.values: dict[Path, Any] = dict(self._leaves(data, ()))
        self.unused: dict[Path, None] = dict.fromkeys(self.values)
        self.native: dict[str, Any] = {"task": task}
        # The sections are found at the same paths in the native settings.
        same = ("", *dialect.sections)
        self.native_origins = Origins(
            {path: known for path, known in origins.entries.items() if dialect.key_of(path) in same}
        )

    def apply(self) -> None:
        """Follow the rule of each key, then call the functions that work out the rest."""
        for path in self.values:
            rule = self.dialect.rules[self.dialect.key_of(path)]
            if isinstance(rule, Only):
                self.only(path, rule.value)
            elif isinstance(rule, Moved) and (rule.when is None or rule.when(self)):
                self._move(path, rule)
        for function in dict.fromkeys(rule.by for rule in self.dialect.rules.values() if isinstance(rule, Handled)):
            function(self)

    def get(self, key: str | Path) -> Any:
        """Return the value of one of EasyOCR's keys, null where it is absent; it may still be named as unused."""
        return self.values.get(to_path(key))

    def has(self, key: str | Path) -> bool:
        """Tell whether the file has one of EasyOCR's keys."""
        return to_path(key) in self.values

    def take(self, key: str | Path) -> Any:
        """Return the value of one of EasyOCR's keys, null where it is absent; it counts as used from here on."""
        self.unused.pop(to_path(key), None)
        return self.get(key)

    def put(self, destination: str | Path, value: Any, source: str | Path | None = None) -> None:
        """Set a native value and note which of EasyOCR's keys it stands for."""
        path = to_path(destination)
        container: Any = self.native
        for step, following in pairwise(path):
            if isinstance(container, list):
                if step == len(container):
                    container.append({})
                container = container[int(step)]
            else:
                container = container.setdefault(step, [] if isinstance(following, int) else {})
        container[path[-1]] = value
        if source is not None:
            self.origins.carry(self.native_origins, to_path(source), path)

    def only(self, key: str | Path, allowed: str) -> None:
        """Take a key that has one value here.

        Raises:
            UserError: it has another.
        """
        value = self.take(key)
        if value not in (None, allowed):
            raise self.fail(key, f"is {show(value)}, but only '{allowed}' is known")

    def switch(self, key: str | Path) -> bool | None:
        """Take a value that is true or false, or null where the key is absent.

        Raises:
            UserError: it is something else.
        """
        return self._of_type(key, bool, "; write true or false")

    def text(self, key: str) -> str | None:
        """Take a text, or null where it is empty.

        Raises:
            UserError: it is something else.
        """
        return self._of_type(key, str, ", but must be text; put it in quotes") or None

    def _of_type(self, key: str | Path, kind: type, hint: str) -> Any:
        value = self.take(key)
        if value is not None and not isinstance(value, kind):
            raise self.fail(key, f"is {show(value)}{hint}")
        return value

    def fail(self, key: str | Path, message: str) -> UserError:
        """Return the error of one of EasyOCR's keys, in its own words."""
        origin = self.origins.find(to_path(key))
        return UserError(f"{origin.place}: {origin.name} {message}")

    def _move(self, path: Path, rule: Moved) -> None:
        destination = tuple(path[1] if step == "*" else step for step in to_path(rule.to))
        if rule.values is None:
            self.put(destination, self.take(path), path)
            return
        value = self.switch(path)
        if value is not None:
            self.put(destination, rule.values[value], path)

    def _leaves(self, value: dict[str, Any], path: Path) -> Iterator[tuple[Path, Any]]:
        """Yield every known key with its value."""
        for key, inner in value.items():
            here = (*path, key)
            known = self.dialect.key_of(here)
            if known in self.dialect.rules:
                yield here, None if inner == "None" and self.dialect.none_is_null else inner
            elif known not in self.dialect.sections:
                raise self._unknown(here)
            elif isinstance(inner, dict) and (inner or "*" not in known):
                yield from self._leaves(inner, here)
            elif inner is not None or "*" in known:
                raise self.fail(here, f"is {show(inner)}, but must be a section (keys indented beneath it)")

    def _unknown(self, path: Path) -> UserError:
        """Return the error of a key that the trainer does not have; one of the native schema is told from a slip."""
        return self.fail(
            path, f"is not a key of {self.dialect.trainer}, which this file is written for; {self._hint(path)}"
        )

    def _hint(self, path: Path) -> str:
        if dotted(path) in dotted_paths(self.dialect.model):
            name = self.origins.find(path).name
            return f"give {name}=... on the command line, or begin a native file with the output of --print-config"
        key, depth = str(path[-1]), len(path) - 1
        parent = self.dialect.key_of(path).split(".")[:depth]
        known = [rule.split(".") for rule in self.dialect.rules]
        siblings = list(dict.fromkeys(steps[depth] for steps in known if steps[:depth] == parent))
        similar = next((name for name in siblings if name.lower() == key.lower()), None) or nearest(key, siblings)
        meant = dotted((*path[:-1], similar)) if similar else nearest_path(path, list(self.dialect.rules))
        if meant:
            return f"did you mean '{meant}'?"
        return f"the keys there are {', '.join(siblings)}" if len(siblings) <= _LISTED else "remove it"


def to_path(key: str | Path) -> Path:
    """Return `train.datasets.0` as a path."""
    if isinstance(key, tuple):
        return key
    return tuple(int(step) if step.isdecimal() else step for step in key.split("."))
