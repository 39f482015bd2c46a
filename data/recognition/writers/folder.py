"""Words as image files beside one file of labels: `labels.csv`, as EasyOCR's trainer reads it, or `labels.jsonl`.

EasyOCR's reader walks to the folders without sub-folders, so a dataset is one flat folder. It parts every line after
the header `filename,words` at its first comma (pandas with the separator `^([^,]+),`) and strips white space at both
ends of the line. There is no quoting: quotes and further commas belong to the label, so a CSV writer, which would put
such a label in quotes, spoils it. Hence: file names without comma, labels as they are, and none with a line break or
with white space at its end. Where every label of a folder is a number, pandas makes numbers of them, on which that
trainer stops; take the LMDB format for datasets of digits alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from data.io.durable import sync, sync_all
from data.recognition.writers.written import WrittenWords

LABELS_FILE = "labels.csv"
JSONL_FILE = "labels.jsonl"
HEADER = "filename,words"


@dataclass(frozen=True)
class FolderItem:
    """A word whose image is written: its file name, size in bytes, and the label."""

    name: str
    size: int
    text: str


def write_labels_csv(folder: Path, words: Iterable[FolderItem]) -> WrittenWords:
    """Write `labels.csv`, and see it and all images safely on the disk.

    Args:
        folder: the images are written into it as their words are asked for.
        words: in the order of the lines.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
        ValueError: a label cannot be written in this format.
    """
    return _write(folder, LABELS_FILE, HEADER + "\n", label_line, words)


def write_labels_jsonl(folder: Path, words: Iterable[FolderItem]) -> WrittenWords:
    """Write `labels.jsonl`, an object with `filename` and `text` for each line; otherwise as `write_labels_csv`."""
    return _write(folder, JSONL_FILE, "", _json_line, words)


def label_line(name: str, text: str) -> str:
    """Return the line of `labels.csv` for an image.

    Raises:
        ValueError: it would be read back as something else.
    """
    line = f"{name},{text}"
    if "," in name or not name or line != line.strip() or any(mark in line for mark in "\r\n"):
        raise ValueError(f"the label {text!r} of {name!r} cannot be written into {LABELS_FILE}")
    return line + "\n"


def _json_line(name: str, text: str) -> str:
    return json.dumps({"filename": name, "text": text}, ensure_ascii=False) + "\n"


def _write(
    folder: Path, labels: str, header: str, line: Callable[[str, str], str], words: Iterable[FolderItem]
) -> WrittenWords:
    written = WrittenWords()
    path = folder / labels
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(header)
        for word in words:
            file.write(line(word.name, word.text))
            written.add(word.text)
            written.files[word.name] = word.size
    sync(path)
    # Whoever wrote the images did not wait for the disk.
    sync_all(folder / name for name in written.files)
    written.files[labels] = path.stat().st_size
    return written
