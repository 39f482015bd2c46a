"""Readers of annotated images, one for each format of `config.schema.datasets`."""

from __future__ import annotations

from collections.abc import Sequence

from config.errors import UserError
from config.schema.datasets import IcdarDataset, SynthTextDataset
from data.reader import Reader
from data.readers.concat import ConcatReader
from data.readers.icdar import IcdarReader
from data.readers.synthtext import SynthTextReader

__all__ = ["open_dataset", "open_datasets"]


def open_dataset(config: SynthTextDataset | IcdarDataset) -> Reader:
    """Open a dataset.

    Raises:
        UserError: it is missing, of another format, or more of it is faulty than its `max_dropped` allows.
    """
    return SynthTextReader(config) if isinstance(config, SynthTextDataset) else IcdarReader(config)


def open_datasets(configs: Sequence[SynthTextDataset | IcdarDataset]) -> Reader:
    """Open several datasets as one, their samples one dataset after the other, their reports added up.

    Raises:
        UserError: there is none, or one of them cannot be opened.
    """
    if not configs:
        raise UserError("there is no dataset to train on; list at least one under `train.datasets`")
    readers = [open_dataset(config) for config in configs]
    return readers[0] if len(readers) == 1 else ConcatReader(readers)
