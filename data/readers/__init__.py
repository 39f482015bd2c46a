"""Readers of annotated images, one for each format of `config.schema.datasets`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from config.errors import UserError
from config.schema.datasets import (
    CocoTextDataset,
    Dataset,
    DatasetBase,
    GeneratedDataset,
    IcdarDataset,
    LabelmeDataset,
    PaddleOcrDataset,
    PolygonDataset,
    SynthTextDataset,
)
from data.reader import Reader
from data.readers.coco_text import open_coco_text
from data.readers.concat import ConcatReader
from data.readers.icdar import open_icdar
from data.readers.labelme import open_labelme
from data.readers.paddleocr import open_paddleocr
from data.readers.polygon_lines import open_polygons
from data.readers.shards import ShardedReader, find_shards
from data.readers.synthtext import SynthTextReader

__all__ = ["open_dataset", "open_datasets"]

_OPENERS: dict[type[DatasetBase], Callable[[Any], Reader]] = {
    IcdarDataset: open_icdar,
    PolygonDataset: open_polygons,
    LabelmeDataset: open_labelme,
    PaddleOcrDataset: open_paddleocr,
    CocoTextDataset: open_coco_text,
}


def open_dataset(config: Dataset) -> Reader:
    """Open a dataset.

    Raises:
        UserError: it is missing, of another format, or more of it is faulty than its `max_dropped` allows.
    """
    if isinstance(config, GeneratedDataset):
        # Its fonts and image libraries are loaded by those who draw.
        from data.readers.generated import GeneratedReader

        return GeneratedReader(config)
    if type(config) in _OPENERS:
        return _OPENERS[type(config)](config)
    assert isinstance(config, SynthTextDataset), "the last format there is"
    shards = find_shards(config)
    return ShardedReader(config, shards) if shards else SynthTextReader(config)


def open_datasets(configs: Sequence[Dataset]) -> Reader:
    """Open several datasets as one, their samples one dataset after the other, their reports added up.

    Raises:
        UserError: there is none, or one of them cannot be opened.
    """
    if not configs:
        raise UserError("there is no dataset to train on; list at least one under `train.datasets`")
    readers = [open_dataset(config) for config in configs]
    return readers[0] if len(readers) == 1 else ConcatReader(readers)
