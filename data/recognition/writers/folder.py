"""Crops as image files beside a `labels.csv`, as EasyOCR's trainer reads them.

That reader walks to the folders without sub-folders, so a shard is one flat folder. It parts every line after the
header `filename,words` at its first comma (pandas with the separator `^([^,]+),`) and strips white space at both ends
of the line. There is no quoting: quotes and further commas belong to the label, so a CSV writer, which would put such a
label in quotes, spoils it. Hence: file names without comma, labels as they are, and none with a line break or with
white space at its end. Where every label of a folder is a number, pandas makes numbers of them, on which that trainer
stops; take the LMDB format for datasets of digits alone.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config.schema.generation import GenerateConfig
from data.recognition.writers.lmdb import add_label
from data.synth.crop.draw import draw_crop, encode_crop
from data.synth.resources import Resources
from data.synth.writing.output import ShardSummary

LABELS_FILE = "labels.csv"
HEADER = "filename,words"
_FLUSHES = 16


@dataclass(frozen=True)
class FolderItem:
    """A crop whose image is written: its file name, size in bytes, and the label."""

    name: str
    size: int
    text: str


class FolderOutput:
    """Writes shards of crops as flat folders of JPEG files with `labels.csv`."""

    format = "folder"
    unit = "crop"

    def draw(self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> FolderItem:
        """Draw a crop and write its image into `folder`; `finish` waits for the disk."""
        crop = draw_crop(config, resources, split, index)
        data = encode_crop(crop)
        name = f"crop_{index:09d}.jpg"
        (folder / name).write_bytes(data)
        return FolderItem(name, len(data), crop.text)

    def finish(self, folder: Path, items: Iterable[FolderItem]) -> ShardSummary:
        """Write `labels.csv`, and see all files safely on the disk.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
            ValueError: a label cannot be written in this format.
        """
        digest = hashlib.sha256()
        files: dict[str, int] = {}
        characters = 0
        path = folder / LABELS_FILE
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            file.write(HEADER + "\n")
            for item in items:
                file.write(label_line(item.name, item.text))
                add_label(digest, item.text)
                files[item.name] = item.size
                characters += len(item.text)
            file.flush()
            os.fsync(file.fileno())
        flush_files(folder, files)
        counts = {"crops": len(files), "characters": characters}
        return ShardSummary(digest.hexdigest(), {**files, LABELS_FILE: path.stat().st_size}, counts)


def label_line(name: str, text: str) -> str:
    """Return the line of `labels.csv` for an image.

    Raises:
        ValueError: it would be read back as something else.
    """
    line = f"{name},{text}"
    if "," in name or not name or line != line.strip() or any(mark in line for mark in "\r\n"):
        raise ValueError(f"the label {text!r} of {name!r} cannot be written into {LABELS_FILE}")
    return line + "\n"


def flush_files(folder: Path, names: Iterable[str]) -> None:
    """Have the system write the images out: the processes that drew them did not wait for the disk.

    Several are waited for at a time, for a file system writes them together.
    """
    with ThreadPoolExecutor(_FLUSHES) as threads:
        for _ in threads.map(_flush_file, (folder / name for name in names)):
            pass


def _flush_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
