"""Public functions that take or return arrays say in their docstrings what shapes these have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROOMS = ("data", "loss", "metrics", "model", "utils")

_ARRAY = re.compile(r"\b(ndarray|Tensor)\b")
_SHAPE = re.compile(r"\[[A-Za-z0-9<., *+/:=()-]+( or [A-Za-z0-9]+)?\]|\bscalar\b")


def without_shapes(place: Path) -> Iterator[str]:
    """Yield FILE:LINE NAME of the public functions with arrays in their annotations and no shape in their docstring."""
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for owner in [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]:
            for function in owner.body:
                if not isinstance(function, ast.FunctionDef) or function.name.startswith("_"):
                    continue
                arguments = function.args
                annotations = [each.annotation for each in (*arguments.args, *arguments.kwonlyargs)]
                written = " ".join(ast.unparse(each) for each in (*annotations, function.returns) if each is not None)
                overrides = any("override" in ast.unparse(decorator) for decorator in function.decorator_list)
                if _ARRAY.search(written) and not overrides and not _SHAPE.search(ast.get_docstring(function) or ""):
                    yield f"{path.relative_to(ROOT).as_posix()}:{function.lineno} {function.name}"


@pytest.mark.parametrize("place", ROOMS)
def test_shapes_are_stated(place: str) -> None:
    assert list(without_shapes(ROOT / place)) == []
