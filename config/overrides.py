"""`key.sub=value` arguments, which override the settings of the YAML."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from config.errors import UserError
from config.origins import COMMAND_LINE, Origins, dotted
from config.schema_tree import default_at
from config.yaml_strict import Path, load_value


def parse_override(argument: str) -> tuple[tuple[str, ...], Any]:
    """Split `train.lr=1e-4` into the path and the value, which is read as YAML.

    Raises:
        UserError: where there is no `=`, a step of the path is empty, or the value is not YAML.
    """
    key, equals, text = argument.partition("=")
    if not equals:
        raise UserError(f"{COMMAND_LINE}: '{argument}' is not of the form key.sub=value (write no spaces around the =)")
    path = tuple(key.strip().split("."))
    if not all(path):
        raise UserError(f"{COMMAND_LINE}: '{key}' is not a path of keys; write it like train.lr=1e-4")
    try:
        return path, load_value(text, "value")
    except UserError as error:
        problem = str(error).split(": ", 1)[1]
        raise UserError(f"{COMMAND_LINE}: the value of {key} in '{argument}' is not YAML: {problem}") from None


def apply_override(
    data: dict[str, Any], origins: Origins, path: tuple[str, ...], value: Any, model: type[BaseModel]
) -> None:
    """Set one value in `data`, and create the sections around it if the file has none.

    Args:
        data: the settings, changed in place.
        origins: where they were written, changed in place.
        path: keys, and list indices as digits.
        value: what to set.
        model: the schema, whose default stands in for a list that the file does not mention.

    Raises:
        UserError: where the path leads into a plain value or to a list item that does not exist.
    """
    container: Any = data
    walked: Path = ()
    for position, part in enumerate(path):
        step = _step(container, walked, part)
        if position == len(path) - 1:
            container[step] = value
            origins.override((*walked, step))
            return
        walked = (*walked, step)
        missing = isinstance(container, dict) and container.get(step) is None
        if missing:
            default = default_at(model, walked)
            container[step] = default if isinstance(default, list) else {}
            origins.override(walked)
        container = container[step]


def _step(container: Any, walked: Path, part: str) -> str | int:
    """The key or index that `part` means inside `container`."""
    name = dotted(walked)
    if isinstance(container, dict):
        return part
    if not isinstance(container, list):
        raise UserError(f"{COMMAND_LINE}: {name} is a single value, so there is no {name}.{part} to set")
    if not part.isdecimal():
        raise UserError(f"{COMMAND_LINE}: {name} is a list; name an item by its number, such as {name}.0")
    if int(part) >= len(container):
        count = f"{len(container)} item{'' if len(container) == 1 else 's'}, counted from 0"
        raise UserError(
            f"{COMMAND_LINE}: there is no {name}.{part}: the list has {count}; give it whole as {name}=[...]"
        )
    return int(part)
