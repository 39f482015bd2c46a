"""Looking things up in the typed schema: which key is where, and what may be its value, in words.

Error messages and the reference page describe a setting with the same words, and both get them here.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ITEM, NAME = "N", "NAME"
"""What stands for a list index and for a name of the user's choice in a dotted path."""


@dataclass(frozen=True)
class Kind:
    """A type of the schema without its wrapping.

    Attributes:
        bare: the type, such as `float`, `list[int]`, a section, or a union of sections.
        bounds: constraints such as `gt` and `max_length`, by name.
        discriminator: the key that tells the members of a union of sections apart.
        nullable: null is a value, too.
    """

    bare: Any
    bounds: dict[str, Any]
    discriminator: str | None
    nullable: bool

    @property
    def origin(self) -> Any:
        return get_origin(self.bare) or self.bare

    @property
    def is_section(self) -> bool:
        return isinstance(self.bare, type) and issubclass(self.bare, BaseModel)

    @property
    def sections(self) -> dict[str, type[BaseModel]]:
        """Members of a union of sections, by the discriminator's values; empty for any other type."""
        if self.discriminator is None:
            return {}
        members = {}
        for member in get_args(self.bare):
            for tag in get_args(member.model_fields[self.discriminator].annotation):
                members[tag] = member
        return members

    @property
    def alternatives(self) -> list[Any]:
        """Types of a union without discriminator, such as `Literal[2, 3] | str`; empty for any other type."""
        return list(get_args(self.bare)) if self.origin is Union and self.discriminator is None else []


def kind_of(annotation: Any) -> Kind:
    """Take an annotation (or a field of a section) apart."""
    bounds: dict[str, Any] = {}
    discriminator, nullable = None, False
    while True:
        if isinstance(annotation, FieldInfo):
            notes, annotation = [annotation], annotation.annotation
        elif get_origin(annotation) is Annotated:
            annotation, *notes = get_args(annotation)
        elif get_origin(annotation) in (Union, types.UnionType):
            members = [member for member in get_args(annotation) if member is not types.NoneType]
            nullable = nullable or len(members) < len(get_args(annotation))
            if len(members) > 1:
                return Kind(Union[tuple(members)], bounds, discriminator, nullable)  # noqa: UP007 (built at run time)
            annotation, notes = members[0], []
        else:
            return Kind(annotation, bounds, discriminator, nullable)
        for note in notes:
            if isinstance(note, FieldInfo):
                discriminator = discriminator or note.discriminator
                notes += note.metadata
            for bound in ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length"):
                if getattr(note, bound, None) is not None:
                    bounds.setdefault(bound, getattr(note, bound))


def locate(model: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], Kind | None]:
    """Translate the location of a pydantic error.

    Returns:
        The path in the user's data, without the tags that pydantic puts where a union branches, and the type
        of what is there (None for an unknown key).
    """
    path: list[str | int] = []
    kind: Kind | None = kind_of(model)
    for step in loc:
        if step == "[key]":
            continue
        if kind is not None and kind.sections:
            kind = kind_of(kind.sections[str(step)])
            continue
        if kind is not None and kind.alternatives:
            continue  # The name that pydantic gives to one of them.
        path.append(step)
        if kind is None:
            continue
        if kind.is_section:
            field = kind.bare.model_fields.get(step)
            kind = kind_of(field) if field is not None else None
        elif kind.origin in (list, dict):
            kind = kind_of(get_args(kind.bare)[-1])
        else:
            kind = None
    return tuple(path), kind


def dotted_paths(model: type[BaseModel]) -> list[str]:
    """Every key of the schema as a dotted path, list indices as `N` and free names as `NAME`."""
    return list(dict.fromkeys(_paths(kind_of(model), "")))


def _paths(kind: Kind, prefix: str) -> Iterator[str]:
    if kind.is_section:
        for name, field in kind.bare.model_fields.items():
            yield prefix + name
            yield from _paths(kind_of(field), f"{prefix}{name}.")
    elif kind.sections:
        for section in kind.sections.values():
            yield from _paths(kind_of(section), prefix)
    elif kind.origin in (list, dict):
        inner = kind_of(get_args(kind.bare)[-1])
        yield from _paths(inner, prefix + (ITEM if kind.origin is list else NAME) + ".")


def default_at(model: type[BaseModel], path: tuple[str | int, ...]) -> Any:
    """The default of a key as plain data (lists and dicts are copies), or None where there is none."""
    value: Any = model().model_dump(mode="json")
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def describe(kind: Kind) -> str:
    """Describe the allowed values, such as `a whole number above 0`."""
    text = _describe(kind)
    return f"{text}, or null" if kind.nullable else text


def _describe(kind: Kind) -> str:
    if kind.origin is Literal:
        values = [repr(value) for value in get_args(kind.bare)]
        return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
    if kind.alternatives:
        return ", or ".join(_describe(kind_of(member)) for member in kind.alternatives)
    if kind.is_section:
        return "a section (keys indented beneath it)"
    if kind.sections:
        return f"a section with the key `{kind.discriminator}`"
    if kind.origin is dict:
        key, value = (kind_of(argument) for argument in get_args(kind.bare))
        names = f", each named {_describe(key)}" if key.origin is Literal else ""
        if value.is_section or value.sections:
            return f"named sections{names}"
        return f"a section of one or more names{names}, each with {_describe(value)}"
    if kind.origin is list:
        return _describe_list(kind)
    noun = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}.get(kind.bare, "a value")
    bounds = _describe_bounds(kind.bounds)
    return f"{noun}{',' if bounds.startswith('at') else ''} {bounds}".rstrip()


def _describe_list(kind: Kind) -> str:
    inner = kind_of(get_args(kind.bare)[0])
    if inner.origin is Literal:
        items = f"items, each {_describe(inner)}"
    elif inner.is_section or inner.sections:
        items = "sections"
    else:
        noun = {int: "whole numbers", float: "numbers", str: "texts"}.get(inner.bare, "values")
        bounds = _describe_bounds(inner.bounds)
        items = f"{noun}, each {bounds}" if bounds else noun
    least, most = kind.bounds.get("min_length"), kind.bounds.get("max_length")
    if least is not None and least == most:
        return f"a list of {least} {items}"
    return f"a list of {'' if least is None else 'one or more ' if least == 1 else f'{least} or more '}{items}"


def _describe_bounds(bounds: dict[str, Any]) -> str:
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most", "multiple_of": "a multiple of"}
    parts = [f"{word} {bounds[name]}" for name, word in words.items() if name in bounds]
    if "ge" in bounds and "le" in bounds:
        parts = [f"from {bounds['ge']} to {bounds['le']}", *parts[2:]]
    return ", ".join(parts)
