"""What the readers of EasyOCR's files share: a file's way from its keys to the native ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from pydantic import BaseModel

from config.errors import UserError
from config.explain import show
from config.origins import Origins, dotted
from config.schema_tree import dotted_paths
from config.yaml_strict import Path

_log = logging.getLogger(__name__)


class Translation:
    """Every value is either used or named in the warning.

    Args:
        task: what the native settings are for.
        origins: where each of EasyOCR's values was written.
        sections: origins of the sections that are found at the same path in the native settings, the top level among
            them.

    Attributes:
        values: EasyOCR's values by their paths.
        unused: paths of those that nobody took, in their order.
        native: the native settings so far.
        native_origins: where each of those was written.
    """

    def __init__(self, task: str, origins: Origins, sections: Origins) -> None:
        self.origins = origins
        self.values: dict[Path, Any] = {}
        self.unused: dict[Path, None] = {}
        self.native: dict[str, Any] = {"task": task}
        self.native_origins = sections

    def hold(self, values: Iterable[tuple[Path, Any]]) -> None:
        """Keep EasyOCR's values; none of them is used yet."""
        self.values = dict(values)
        self.unused = dict.fromkeys(self.values)

    def finish(self) -> tuple[dict[str, Any], Origins]:
        """Name in one warning what was not used, and return the native settings with their origins."""
        if self.unused:
            names = ", ".join(self.origins.find(path).name for path in self.unused)
            _log.warning("These settings of EasyOCR's trainer mean nothing here and are ignored: %s", names)
        return self.native, self.native_origins

    def take(self, key: str | Path) -> Any:
        """The value of one of EasyOCR's keys, null where it is absent; it counts as used from here on."""
        path = to_path(key)
        self.unused.pop(path, None)
        return self.values.get(path)

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

    def only(self, key: str, allowed: str) -> None:
        """Take a key that has one value here.

        Raises:
            UserError: it has another.
        """
        value = self.take(key)
        if value not in (None, allowed):
            raise self.fail(key, f"is {show(value)}, but only '{allowed}' is known")

    def switch(self, key: str) -> bool | None:
        """Take a value that is true or false, or null where the key is absent.

        Raises:
            UserError: it is something else.
        """
        value = self.take(key)
        if value is not None and not isinstance(value, bool):
            raise self.fail(key, f"is {show(value)}; write true or false")
        return value

    def no_key(self, path: Path, trainer: str, model: type[BaseModel], hint: str) -> UserError:
        """The error of a key that `trainer` does not have; one of the native `model` is told from a slip."""
        if dotted(path) in dotted_paths(model):
            name = self.origins.find(path).name
            hint = f"give {name}=... on the command line, or begin a native file with the output of --print-config"
        return self.fail(path, f"is not a key of {trainer}, which this file is written for; {hint}")

    def fail(self, key: str | Path, message: str) -> UserError:
        """The error of one of EasyOCR's keys, in its own words."""
        origin = self.origins.find(to_path(key))
        return UserError(f"{origin.place}: {origin.name} {message}")


def to_path(key: str | Path) -> Path:
    """`train.datasets.0` as a path."""
    if isinstance(key, tuple):
        return key
    return tuple(int(step) if step.isdecimal() else step for step in key.split("."))
