"""The shape of the code in figures: files, lines, rooms (folders) and the arrows (imports) between them.

    python -m tests.house [ROOT]

A room is a folder with Python files; a file that lies directly in `config/`, `utils/`, `data/`,
`data/synth/` or `data/recognition/` counts as a room by itself. An arrow goes from room A to room B where any file of A
imports a file of B, lazily or not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("config", "data", "loss", "metrics", "model", "utils")
LOOSE = ("utils", "data", "data.synth", "data.recognition", "config")
"""Folders whose files are rooms by themselves."""


def modules(root: Path = ROOT) -> dict[str, Path]:
    """Return the product's modules by dotted name, entry points included."""
    paths = [*root.glob("*.py"), *(path for package in PACKAGES for path in (root / package).rglob("*.py"))]
    return {_name(path.relative_to(root)): path for path in paths}


def imports(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Yield pairs (importing module, imported module) of the product's modules."""
    known = modules(root)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                # `from package import module` names a module, `from module import thing` does not.
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [full if full in known else node.module for full in names]
            else:
                continue
            yield from ((name, imported) for imported in names if imported in known and imported != name)


def arrows(root: Path = ROOT, within: str = "") -> set[tuple[str, str]]:
    """Return the arrows between rooms; with `within`, those between rooms below that folder alone."""
    places = {name: _room(name, path.relative_to(root)) for name, path in modules(root).items()}
    pairs = {(places[source], places[target]) for source, target in imports(root)}
    return {pair for pair in pairs if pair[0] != pair[1] and all(_inside(end, within) for end in pair)}


def circles(pairs: set[tuple[str, str]]) -> list[str]:
    """Return the rooms that can be reached from themselves, sorted; empty where the arrows have a direction."""
    after: dict[str, set[str]] = {}
    for source, target in pairs:
        after.setdefault(source, set()).add(target)

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(after.get(start, ()))
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting.extend(after.get(place, ()))
        return found

    return sorted(place for place in after if place in reached(place))


def lines(paths: list[Path]) -> int:
    """Return the number of lines of some files."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def main() -> None:
    """Print the figures of a checkout."""
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    product = [path for path in modules(root).values() if path.name != "__init__.py" or path.stat().st_size]
    tests = list((root / "tests").rglob("*.py"))
    longest = max(product, key=lambda path: lines([path]))
    print(f"product: {len(product)} files, {lines(product):,} lines; tests: {len(tests)} files, {lines(tests):,} lines")
    print(f"longest file: {longest.relative_to(root)}, {lines([longest])} lines")
    print(f"loose files in utils/: {len(list((root / 'utils').glob('[!_]*.py')))}")
    for folder in ("utils", "data.synth", "data", ""):
        pairs = arrows(root, folder)
        rooms = {end for pair in pairs for end in pair}
        print(
            f"{folder or 'everything'}: {len(rooms)} rooms, {len(pairs)} arrows, in circles: {circles(pairs) or 'none'}"
        )


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _room(module: str, path: Path) -> str:
    folder = path.parent.as_posix().replace("/", ".")
    if folder == ".":
        return path.name
    return module if folder in LOOSE and path.name != "__init__.py" else folder


def _inside(place: str, folder: str) -> bool:
    return not folder or place == folder or place.startswith(folder + ".")


if __name__ == "__main__":
    main()
