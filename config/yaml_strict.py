"""YAML as its 1.2 core schema reads it, with the line of every value and without silent surprises.

PyYAML follows YAML 1.1, where `no` is False, `012` is ten, `1:30` is ninety, `1e-4` is text and the second
of two equal keys wins. Each of these has cost somebody a training run, so here a plain scalar is a number, a
boolean or null only where YAML 1.2 (https://yaml.org/spec/1.2.2/, section 10.3.2) says so, and a repeated
key is an error. One step further than 1.2: `012` stays text, because readers disagree on whether it is ten
or twelve.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import yaml

from config.errors import UserError

_log = logging.getLogger(__name__)

Path = tuple[str | int, ...]
"""Keys and list indices that lead from the top of a document to a value."""

MAX_DEPTH = 60
MAX_VALUES = 100_000
"""More values than this, counted with every alias expanded, is an alias bomb and not a configuration."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*)([eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}

_HINTS = {
    "mapping values are not allowed": "`key: value` cannot stand here: the line is indented too far, the line above "
    "lacks the space after its ':', or a text that holds ': ' lacks quotes",
    "expected the node content": "a value is missing here",
    "'\\t' that cannot start": "a tab stands where only spaces may; indent with spaces",
    "could not find expected ':'": "this is not of the form `key: value` (is the ':' or the space after it missing?)",
    "expected <block end>": "the indentation does not match that of the lines above",
    "expected ',' or ']'": "a list that begins with '[' is not closed by ']', or a ',' is missing in it",
    "expected ',' or '}'": "a mapping that begins with '{' is not closed by '}', or a ',' is missing in it",
    "unexpected end of stream": "a quoted text is not closed",
    "that cannot start any token": "a plain text cannot begin with this character; put it in quotes",
    "found undefined alias": "no anchor of this name is defined above; put a text that begins with * in quotes",
    "found another document": "a file holds one configuration; remove the second `---`",
}


@dataclass(frozen=True)
class StrictDocument:
    """A parsed document.

    Attributes:
        data: dicts with text keys, lists, and plain scalars.
        lines: line, counted from 1, of each value's key (of the item itself in a list).
    """

    data: Any
    lines: dict[Path, int]


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalar rules above and a limit on nesting; it only composes nodes."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML's own name; starts without YAML 1.1's rules)
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"values are nested more than {MAX_DEPTH} deep", problem_mark=self.get_mark()
            )
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _resolver(name: str, pattern: str, first: str) -> None:
    StrictLoader.add_implicit_resolver(_TAG + name, re.compile(rf"(?:{pattern})\Z"), list(first))


_resolver("null", "~|null|Null|NULL", "~nN")
StrictLoader.add_implicit_resolver(_TAG + "null", re.compile(r"\Z"), [""])
_resolver("bool", "|".join(_BOOL), "tTfF")
_resolver("int", _INT.pattern, "-+0123456789")
_resolver("float", _FLOAT.pattern, "-+.0123456789")
_resolver("merge", "<<", "<")


def load(text: str, source: str, repeatable: Collection[str] = ()) -> StrictDocument:
    """Parse one YAML document.

    Args:
        text: the document.
        source: what to call it in an error, such as the file's path.
        repeatable: keys of the top level that may be given twice: the last one holds, with a warning if the values
            differ.

    Raises:
        UserError: on a syntax error, a repeated key, a tag this project has no use for, or an alias bomb.
    """
    try:
        loader = StrictLoader(text)
        try:
            root = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UserError(f"{source}:{mark.line + 1 if mark else 1}: {_explain(error)}") from None
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1
        raise UserError(f"{source}:{line}: character U+{error.character:04X} may not stand in YAML") from None
    builder = _Builder(source, repeatable)
    return StrictDocument(builder.build(root, ()) if root is not None else None, builder.lines)


def load_value(text: str, source: str) -> Any:
    """Parse one value given on the command line: a scalar, `[a, b]` or `{key: value}`; empty text is null."""
    if text.lstrip().startswith("#"):
        raise UserError(f"{source}: '{text}' is a comment to YAML; put it in quotes")
    return load(text, source).data


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not valid YAML"
    for part, hint in _HINTS.items():
        if part in problem:
            return hint
    return " ".join(problem.split())


class _Builder:
    """Turns nodes into values, noting lines; the node graph may share nodes (aliases) and even hold cycles."""

    def __init__(self, source: str, repeatable: Collection[str] = ()) -> None:
        self.source, self.repeatable = source, repeatable
        self.lines: dict[Path, int] = {}
        self.open: set[int] = set()
        self.count = 0

    def fail(self, node: yaml.Node, message: str) -> UserError:
        return UserError(f"{self.source}:{_line(node)}: {message}")

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.count += 1
        if self.count > MAX_VALUES:
            raise self.fail(node, f"more than {MAX_VALUES} values once the aliases (`*name`) are expanded")
        self.lines.setdefault(path, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node)
        if id(node) in self.open:
            raise self.fail(node, "an anchor (`&name`) holds an alias of itself")
        if len(path) > MAX_DEPTH:
            raise self.fail(node, f"values are nested more than {MAX_DEPTH} deep")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
                return {key: self.build(value, (*path, key)) for key, (_, value) in self.pairs(node, path).items()}
            if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self.open.discard(id(node))
        raise self.fail(node, f"the tag {_short(node.tag)} is not supported; remove it")

    def pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Key and value nodes by the key's text: those written here, then those merged in with `<<`."""
        written: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self.fail(key, "a key must be plain text")
            if key.value in written:
                self.repeated(path, written[key.value], (key, value))
            written[key.value] = (key, value)
            self.lines.setdefault((*path, key.value), _line(key))
        for mapping in merged:
            if not isinstance(mapping, yaml.MappingNode) or mapping is node or id(mapping) in self.open - {id(node)}:
                raise self.fail(mapping, "`<<` needs an alias of a mapping defined above, such as `<<: *defaults`")
            self.count += len(mapping.value)
            if self.count > MAX_VALUES:
                raise self.fail(mapping, f"more than {MAX_VALUES} values once the aliases (`*name`) are expanded")
            self.open.add(id(mapping))
            for name, pair in self.pairs(mapping, path).items():
                written.setdefault(name, pair)
            self.open.discard(id(mapping))
        return written

    def repeated(self, path: Path, first: tuple[yaml.Node, yaml.Node], last: tuple[yaml.Node, yaml.Node]) -> None:
        """Use the last of two equal keys, or refuse it."""
        key, line = last[0].value, _line(first[0])
        if path or key not in self.repeatable:
            raise self.fail(last[0], f"the key '{key}' was already given in line {line}; remove one of the two")
        self.lines.pop((key,), None)
        plain = [self.scalar(node) for _, node in (first, last) if isinstance(node, yaml.ScalarNode)]
        if len(plain) < 2 or plain[0] != plain[1]:
            _log.warning(
                "%s:%d: %s was already given in line %d with another value; this one holds",
                self.source, _line(last[0]), key, line,
            )  # fmt: skip

    def scalar(self, node: yaml.ScalarNode) -> Any:
        text, kind = node.value, node.tag.removeprefix(_TAG)
        try:
            if kind == "null" and text in _NULL:
                return None
            if kind == "bool":
                return _BOOL[text]
            if kind == "int" and _INT.fullmatch(text):
                return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
            if kind == "float" and (_FLOAT.fullmatch(text) or _INT.fullmatch(text)):
                return float(re.sub(r"\.(?=inf|nan)", "", text.lower()))
        except (KeyError, ValueError):
            raise self.fail(node, f"'{text[:40]}' cannot be read as {kind}") from None
        if kind in ("str", "merge"):
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise self.fail(node, "the text holds half of a surrogate pair, which is no character")
            return text
        raise self.fail(node, f"the tag {_short(node.tag)} is not supported; remove it")


def _line(node: yaml.Node) -> int:
    return node.start_mark.line + 1


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag
