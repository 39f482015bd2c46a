"""Crops of words as a dataset: each shard is an LMDB database, or a flat folder of JPEG files with `labels.csv`.

See `data.synth.writing.output.Output` for attributes and methods.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from config.schema.generation import GenerateConfig
from data.recognition.writers.folder import FolderItem, write_labels_csv
from data.recognition.writers.lmdb import LmdbItem, write_lmdb
from data.recognition.writers.written import WrittenWords
from data.synth.crop.draw import draw_crop, encode_crop
from data.synth.resources import Resources
from data.synth.writing.output import ShardSummary


class LmdbOutput:
    """Crops as LMDB databases; all crops of a shard are written by `finish`."""

    format = "lmdb"
    unit = "crop"

    def draw(self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> LmdbItem:
        crop = draw_crop(config, resources, split, index)
        return LmdbItem(encode_crop(crop), crop.text)

    def finish(self, folder: Path, items: Iterable[LmdbItem]) -> ShardSummary:
        return _summary(write_lmdb(folder, items))


class FolderOutput:
    """Crops as JPEG files; `finish` flushes them to the disk."""

    format = "folder"
    unit = "crop"

    def draw(self, config: GenerateConfig, resources: Resources, folder: Path, split: str, index: int) -> FolderItem:
        crop = draw_crop(config, resources, split, index)
        data = encode_crop(crop)
        name = f"crop_{index:09d}.jpg"
        (folder / name).write_bytes(data)
        return FolderItem(name, len(data), crop.text)

    def finish(self, folder: Path, items: Iterable[FolderItem]) -> ShardSummary:
        return _summary(write_labels_csv(folder, items))


def _summary(written: WrittenWords) -> ShardSummary:
    counts = {"crops": written.words, "characters": written.characters}
    return ShardSummary(written.labels_sha256(), written.files, counts)
