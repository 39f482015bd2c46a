"""Words as image files beside one file of labels: `labels.csv`, as EasyOCR's trainer reads it, or `labels.jsonl`.

EasyOCR's reader uses folders without sub-folders, so a dataset is one flat folder. It splits every line after the
header `filename,words` at its first comma (pandas with the separator `^([^,]+),`) and strips white space at both ends
of the line. There is no quoting: quotes and further commas belong to the label, so a CSV writer, which would quote such
labels, would change them. Therefore file names have no comma, labels are written as they are, and a label must not have
a line break or white space at its end. If all labels of a folder are numbers, pandas converts them and EasyOCR's
trainer fails; use the LMDB format for datasets of digits alone.
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
    """A word whose image has been written: its file name, size in bytes, and label."""

    name: str
    size: int
    text: str


def write_labels_csv(folder: Path, words: Iterable[FolderItem]) -> WrittenWords:
    """Write `labels.csv` and flush it and all images to the disk.

    Args:
        folder: folder of the images, which are written while `words` is iterated.
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
    # The images were written without waiting for the disk.
    sync_all(folder / name for name in written.files)
    written.files[labels] = path.stat().st_size
    return written
