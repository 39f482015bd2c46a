"""Readers of annotated images, one for each format of `config.schema.datasets`.

To add a format: write its reader in a file here, add its section to `config.schema.word_datasets.Words`, and name both
in `OPENERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from config.errors import UserError
from config.schema.base import DatasetBase
from config.schema.datasets import Dataset, GeneratedDataset, SynthTextDataset
from config.schema.word_datasets import (
    CocoTextDataset,
    CvatDataset,
    IcdarDataset,
    LabelmeDataset,
    LabelStudioDataset,
    PaddleOcrDataset,
    PolygonDataset,
)
from data.reader import Reader
from data.readers.coco_text import open_coco_text
from data.readers.concat import ConcatReader
from data.readers.cvat import open_cvat
from data.readers.icdar import open_icdar
from data.readers.labelme import open_labelme
from data.readers.labelstudio import open_labelstudio
from data.readers.paddleocr import open_paddleocr
from data.readers.polygon_lines import open_polygons
from data.readers.shards import open_synthtext

__all__ = ["OPENERS", "open_dataset", "open_datasets"]


def _open_generated(config: GeneratedDataset) -> Reader:
    # Imported here, because its font and image libraries are needed only for drawing.
    from data.readers.generated import GeneratedReader

    return GeneratedReader(config)


OPENERS: dict[type[DatasetBase], Callable[[Any], Reader]] = {
    SynthTextDataset: open_synthtext,
    IcdarDataset: open_icdar,
    PolygonDataset: open_polygons,
    LabelmeDataset: open_labelme,
    PaddleOcrDataset: open_paddleocr,
    CocoTextDataset: open_coco_text,
    CvatDataset: open_cvat,
    LabelStudioDataset: open_labelstudio,
    GeneratedDataset: _open_generated,
}
"""Function that opens a dataset, by the class of its section."""


def open_dataset(config: Dataset) -> Reader:
    """Open a dataset.

    Raises:
        UserError: it is missing, of another format, or more of it is faulty than its `max_dropped` allows.
    """
    return OPENERS[type(config)](config)


def open_datasets(configs: Sequence[Dataset]) -> Reader:
    """Open several datasets as one: one dataset after the other, with their reports added up.

    Raises:
        UserError: there is none, or one of them cannot be opened.
    """
    if not configs:
        raise UserError("there is no dataset to train on; list at least one under `train.datasets`")
    readers = [open_dataset(config) for config in configs]
    return readers[0] if len(readers) == 1 else ConcatReader(readers)
