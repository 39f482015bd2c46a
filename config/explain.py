"""Turns pydantic's errors about a configuration into one sentence for the user."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError

from config.errors import UserError, nearest
from config.origins import COMMAND_LINE, Origins, dotted
from config.schema_tree import ITEM, NAME, Kind, describe, dotted_paths, kind_of, locate
from config.yaml_strict import Path

_SWITCH_WORDS = {"yes", "no", "on", "off", "y", "n", "true", "false", "1", "0"}


def explain(error: ValidationError, model: type[BaseModel], origins: Origins, synonyms: Mapping[str, str]) -> UserError:
    """Describe the first mistake and count the others.

    An unknown key comes first, because other mistakes may follow from it.

    Args:
        error: what validation raised.
        model: the schema that was validated against.
        origins: where each value was written.
        synonyms: dotted paths of EasyOCR's files -> the path in this project.
    """
    mistakes = error.errors(include_url=False)
    mistakes.sort(key=lambda mistake: mistake["type"] != "extra_forbidden")
    # Each type of a union reports its own error about the same value.
    places = {locate(model, mistake["loc"])[0] for mistake in mistakes}
    more = len(places) - 1
    sentence = _sentence(mistakes[0], model, origins, synonyms)
    return UserError(sentence + (f" (and {more} more)" if more else ""))


def _sentence(mistake: Any, model: type[BaseModel], origins: Origins, synonyms: Mapping[str, str]) -> str:
    path, kind = locate(model, mistake["loc"])
    origin = origins.find(path)
    value, kind_of_mistake = mistake["input"], mistake["type"]
    if kind_of_mistake == "extra_forbidden":
        return f"{origin.place}: {_unknown_key(mistake['loc'], path, origin.path, model, synonyms)}"
    if kind_of_mistake == "missing":
        return f"{origin.place}: {origin.name} is missing; it must be {describe(kind) if kind else 'given'}"
    if kind_of_mistake == "value_error":
        return _broken_rule(str(mistake["ctx"]["error"]), path, origins)
    if kind_of_mistake.startswith("union_tag") and kind is not None:
        key = kind.discriminator
        tags = list(kind.sections)
        choice = _choice(tags)
        tag_origin = origins.find((*path, str(key)))
        if kind_of_mistake == "union_tag_not_found":
            return f"{tag_origin.place}: {tag_origin.name} is missing; write {choice}"
        hint = _similar(value[key], tags)
        return f"{tag_origin.place}: {tag_origin.name} is {show(value[key])}, but must be {choice}{hint}"
    if mistake["loc"] and mistake["loc"][-1] == "[key]":
        container = locate(model, mistake["loc"][:-2])[1]
        names = list(get_args(get_args(container.bare)[0])) if container else []
        return f"{origin.place}: there is no key '{value}' in {dotted(origin.path[:-1])}; it may be {_choice(names)}"
    if kind is None:
        return f"{origin.place}: {origin.name} is {show(value)}: {mistake['msg']}"
    return f"{origin.place}: {origin.name} {_wrong_value(value, kind)}"


def _broken_rule(reason: str, path: Path, origins: Origins) -> str:
    """Return the sentence about a broken rule between keys; by convention, it begins with the key to change."""
    key = re.match(r"[a-z_][a-z_.]*", reason)
    named = (*path, *key.group().split(".")) if key else path
    origin = origins.find(named if named in origins.entries else path)
    words = set(re.findall(r"\w+", reason))
    inside = {
        known.place for at, known in origins.entries.items() if at[: len(path)] == path and at and at[-1] in words
    }
    place = f"{origin.place} and {COMMAND_LINE}" if COMMAND_LINE in inside - {origin.place} else origin.place
    section = dotted(origins.find(path).path)
    link = "." if key and named in origins.entries else ": "
    return f"{place}: {section + link if section else ''}{reason}"


def _unknown_key(loc: Path, path: Path, written: Path, model: type[BaseModel], synonyms: Mapping[str, str]) -> str:
    key = str(path[-1])
    parent = dotted(written[:-1])
    text = f"there is no key '{key}' {f'in {parent}' if parent else 'at the top level'}"
    if dotted(path) in synonyms:
        return f"{text}; EasyOCR's '{dotted(path)}' is called '{synonyms[dotted(path)]}' here"
    _, section = locate(model, loc[:-1])
    siblings = list(section.bare.model_fields) if section is not None and section.is_section else []
    alike = difflib.get_close_matches(key, siblings, n=1, cutoff=0.7)
    if alike:
        similar = f"{parent}.{alike[0]}" if parent else alike[0]
    else:
        elsewhere = {theirs.rpartition(".")[2]: ours for theirs, ours in synonyms.items()}
        similar = elsewhere.get(key) or nearest_path(path, dotted_paths(model))
    return f"{text}; did you mean '{similar}'?" if similar else f"{text}; the keys there are {', '.join(siblings)}"


def nearest_path(path: Path, known: list[str]) -> str | None:
    """Return the dotted path that a misplaced or misspelt key most likely means, or None.

    A path that ends in exactly this key is preferred to a path with a similar key.
    """
    wanted = dotted(path)
    key = str(path[-1])
    same = [candidate for candidate in known if candidate.rpartition(".")[2] == key]
    if not same:
        leaves = {candidate.rpartition(".")[2] for candidate in known} - {ITEM, NAME}
        alike = difflib.get_close_matches(key, leaves, n=1, cutoff=0.75)
        same = [candidate for candidate in known if alike and candidate.rpartition(".")[2] == alike[0]]
    if not same:
        alike = difflib.get_close_matches(wanted, known, n=1, cutoff=0.8)
        return alike[0] if alike else None
    # Shallow first: `lr` at the top level means `train.lr` before any deeper namesake.
    return min(same, key=lambda candidate: (-difflib.SequenceMatcher(None, wanted, candidate).ratio(), len(candidate)))


def _wrong_value(value: Any, kind: Kind) -> str:
    """Return `is X, but must be Y`, with a suggestion where possible."""
    expected = describe(kind)
    if value is None:
        return f"has no value, but must be {expected}; leave the key out to take its default"
    if isinstance(value, str):
        return _wrong_text(value, kind, expected)
    shown = f"is {show(value)}, but must be {expected}"
    if kind.bare is str and isinstance(value, bool | int | float):
        return f"{shown}; put it in quotes"
    if kind.bare is int and isinstance(value, float) and value.is_integer():
        return f"{shown}; write {int(value)}"
    if kind.origin is Literal and value is False and "off" in get_args(kind.bare):
        return f"{shown}; write 'off'"
    if kind.origin is list and not isinstance(value, list | dict) and kind.bounds.get("min_length", 1) == 1:
        return f"{shown}; write [{show(value)}]"
    return shown


def _wrong_text(value: str, kind: Kind, expected: str) -> str:
    if kind.origin is Literal:
        return f"is {show(value)}, but must be {expected}{_similar(value, list(get_args(kind.bare)))}"
    shown = f"is the text {show(value)}"
    if kind.bare is bool and value.lower() in _SWITCH_WORDS:
        return f"{shown}; write true or false"
    if kind.bare in (int, float):
        if re.fullmatch(r"0+[0-9]+", value):
            digits = value.lstrip("0") or "0"
            octal = f" or 0o{digits}" if kind.bare is int and not set(digits) & set("89") else ""
            return f"{shown}; write {digits}{octal}"
        plain = value.replace("_", "").replace(",", "")
        if plain != value and re.fullmatch(r"[-+]?[1-9][0-9]*", plain):
            return f"{shown}; write {plain}"
        if re.fullmatch(r"[-+]?[0-9.]+(e[-+]?[0-9]+)?", value.lower()):
            return f"{shown}, but must be {expected}; write it without quotes"
    if kind.origin is list:
        return f"{shown}, but must be {expected}; write it as [..., ...]"
    return f"{shown}, but must be {expected}"


def _similar(value: Any, allowed: list[Any]) -> str:
    similar = nearest(value, [item for item in allowed if isinstance(item, str)]) if isinstance(value, str) else None
    return f"; did you mean '{similar}'?" if similar else ""


def _choice(values: list[Any]) -> str:
    return describe(kind_of(Literal[tuple(values)])) if values else "nothing"


def show(value: Any) -> str:
    """Return a value as it is written in YAML, cut to a readable length."""
    if isinstance(value, str):
        text = repr(value)
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
