"""The examples of docs/extending.md: as text, and added to the project that the tests run in."""

from __future__ import annotations

import importlib
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
_BLOCK = re.compile(r"(?:^`([\w/.]+)`\n\n)?^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class Example:
    """What a section of the page adds.

    Attributes:
        files: path -> content of each file that is written.
        edits: path -> pairs (lines before, lines after) of each file that is edited.
        yaml: the lines that name it.
    """

    files: dict[str, str] = field(default_factory=dict)
    edits: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    yaml: str = ""


def examples() -> dict[str, Example]:
    """Return the examples by the title of their section."""
    found: dict[str, Example] = {}
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        example = found.setdefault(section.partition("\n")[0], Example())
        path = ""
        for named, language, content in _BLOCK.findall(section):
            path = named or path  # A further block of a file need not name it again.
            if language == "python":
                example.files[path] = content
            elif language == "diff":
                before, after = (
                    "".join(line[1:] for line in content.splitlines(keepends=True) if line[0] in kept)
                    for kept in (" -", " +")
                )
                example.edits.setdefault(path, []).append((before, after))
            else:
                example.yaml += content
    return found


_HOME = tempfile.TemporaryDirectory()


def add(path: str) -> ModuleType:
    """Import a file of the page as if it lay in its folder, `loss/focal.py` as `loss.focal`."""
    (content,) = (example.files[path] for example in examples().values() if path in example.files)
    file = Path(_HOME.name, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    folder = importlib.import_module(path.rpartition("/")[0].replace("/", "."))
    if str(file.parent) not in folder.__path__:
        folder.__path__.append(str(file.parent))
    importlib.invalidate_caches()
    return importlib.import_module(path.removesuffix(".py").replace("/", "."))
