"""Where each setting was written, so that messages can name the file, the line and the key as the user wrote it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from config.yaml_strict import Path, StrictDocument

COMMAND_LINE = "on the command line"


@dataclass(frozen=True)
class Origin:
    """Attributes: place: `FILE:LINE` or "on the command line". path: the key as the user wrote it."""

    place: str
    path: Path

    @property
    def name(self) -> str:
        return dotted(self.path)


def dotted(path: Path) -> str:
    """`("train", "datasets", 0)` as `train.datasets.0`."""
    return ".".join(str(step) for step in path)


@dataclass
class Origins:
    """Origins by the path of a value in the data that is validated."""

    entries: dict[Path, Origin] = field(default_factory=dict, compare=False)

    @classmethod
    def of_document(cls, document: StrictDocument, source: str) -> Origins:
        return cls({path: Origin(f"{source}:{line}", path) for path, line in document.lines.items()})

    def find(self, path: Path) -> Origin:
        """Return the origin of the value at `path`, or of the closest section around it if it was not written."""
        for length in range(len(path), -1, -1):
            known = self.entries.get(path[:length])
            if known is not None:
                return Origin(known.place, known.path + path[length:])
        raise KeyError(path)

    def placed(self, sentence: str) -> str:
        """Return a sentence that begins with a key, such as `train.loss is ...`, with its place put before it."""
        begin = re.match(r"[a-z_]\w*(\.\w+)+", sentence)
        path = tuple(int(step) if step.isdigit() else step for step in begin.group().split(".")) if begin else ()
        known = self.entries and path and self.find(path)
        return f"{known.place}: {sentence}" if known else sentence

    def override(self, path: Path) -> None:
        """Note that the command line set the value at `path` and everything inside it."""
        for known in [known for known in self.entries if known[: len(path)] == path]:
            del self.entries[known]
        self.entries[path] = Origin(COMMAND_LINE, path)

    def carry(self, target: Origins, source: Path, destination: Path) -> None:
        """Copy the origins at and inside `source` to `destination` of `target`, the names as they were written."""
        target.entries.setdefault(destination, self.find(source))
        for path, origin in self.entries.items():
            if path[: len(source)] == source:
                target.entries[destination + path[len(source) :]] = origin
