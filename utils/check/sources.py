"""The datasets of a detection job, opened in a way that faulty ones can be examined, too."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from config.errors import UserError
from config.schema.detection import DetectionConfig
from config.schema.word_datasets import WordDataset
from data.reader import DropReport, Reader
from data.readers import open_dataset
from utils.check.report import counted

R = TypeVar("R")
Role = Literal["characters", "words", "test"]

DRAWN_SAMPLES = 32
"""Number of examined samples of a generated dataset, or of a dataset without image files."""


@dataclass(frozen=True)
class BaseSource(ABC):
    """A dataset of a job.

    Attributes:
        name: its place in the configuration, such as `train.datasets.0`.
        settings: its section.
        reader: its samples, opened without regard to `max_dropped`.
        report: a copy of the reader's report after opening; reading samples may add to `reader.report`.
    """

    name: str
    settings: Any
    reader: Any
    report: DropReport

    @property
    def is_training(self) -> bool:
        """Whether it is training data."""
        return not self.name.startswith("test.")

    @property
    @abstractmethod
    def has_files(self) -> bool:
        """Whether its images are stored in files or in a database, so that they can be compared."""

    @abstractmethod
    def sample_name(self, index: int) -> str:
        """Return the name of a sample."""


@dataclass(frozen=True)
class Source(BaseSource):
    """A dataset of a detection job.

    Attributes:
        role: its use: training on character boxes, training on word boxes, or evaluation.
    """

    reader: Reader
    role: Role

    @property
    def has_files(self) -> bool:
        return len(self.reader) > 0 and self.reader.path(0) is not None

    @property
    def upright(self) -> bool:
        """Whether its images are rotated by their EXIF orientation."""
        return isinstance(self.settings, WordDataset) and self.settings.exif_orientation == "apply"

    def sample_name(self, index: int) -> str:
        return self.reader.annotation(index).sample_id

    def spread(self, limit: int) -> np.ndarray:
        """Return up to `limit` indices, int64 [N], spread evenly over the dataset; fewer where reading is slow."""
        limit = min(limit, len(self.reader)) if self.has_files else min(limit, DRAWN_SAMPLES, len(self.reader))
        return np.arange(limit, dtype=np.int64) * len(self.reader) // max(1, limit)


def open_sources(config: DetectionConfig, opened: Mapping[str, Reader] | None = None) -> tuple[list[Source], list[str]]:
    """Open every dataset of the job.

    Args:
        config: the whole job.
        opened: datasets that training has opened already, by their place in the configuration.

    Returns:
        The opened datasets, and sentences about problems: datasets that cannot be opened or drop more than their
        `max_dropped`, so that training would not start; and labels that cannot be parsed, unless the configuration sets
        `max_dropped`.
    """
    sources, problems = [], []
    for name, role, settings in datasets_of(config):
        refused = len(problems)
        reader = (opened or {}).get(name) or open_anyway(name, settings, open_dataset, problems)
        if reader is None:
            continue
        if len(problems) == refused and reader.report.unparsed and "max_dropped" not in settings.model_fields_set:
            problems.append(f"{name}: {_unparsed(reader.report)}")
        sources.append(Source(name, settings, reader, copy.deepcopy(reader.report), role))
    return sources, problems


def open_anyway(name: str, settings: Any, open_it: Callable[[Any], R], problems: list[str]) -> R | None:
    """Open a dataset as training does; if that fails, note the reason and open it without regard to `max_dropped`.

    Args:
        name: its place in the configuration.
        settings: its section.
        open_it: opens the dataset of a section.
        problems: the list that the reason is appended to.

    Returns:
        The opened dataset, or None if it cannot be opened at all.
    """
    try:
        return open_it(settings)
    except UserError as fault:
        refusal, reader = fault, None
    try:
        reader = open_it(settings.model_copy(update={"max_dropped": 1.0}))
    except UserError as fault:
        refusal = fault
    problems.append(str(refusal) if str(refusal).startswith(name) else f"{name}: {refusal}")
    return reader


def _unparsed(report: DropReport) -> str:
    """Return the sentence about labels that cannot be parsed."""
    reason = min(report.unparsed, key=lambda cause: (-report.dropped[cause], cause))
    total = sum(report.dropped[cause] for cause in report.unparsed)
    what = reason.partition(": ")[2]
    return (
        f"{counted(total, 'item')} of its labels cannot be parsed (e.g. {report.examples[reason][0]}, {what}); correct "
        "the file, or set this dataset's `max_dropped` to allow a share of faulty labels"
    )


def datasets_of(config: DetectionConfig) -> Iterator[tuple[str, Role, Any]]:
    """Yield place in the configuration, role and section of every dataset that a job reads."""
    weak = config.train.weak
    if weak is None or weak.use_synthtext:
        for index, settings in enumerate(config.train.datasets):
            yield f"train.datasets.{index}", "characters", settings
    for index, settings in enumerate(weak.datasets if weak is not None else ()):
        yield f"train.weak.datasets.{index}", "words", settings
    for name, test in config.test.items():
        yield f"test.{name}", "test", test.dataset
