"""The datasets that a detection job reads, opened so that a faulty one can still be looked at."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from config.errors import UserError
from config.schema.detection import DetectionConfig
from config.schema.word_datasets import WordDataset
from data.reader import DropReport, Reader
from data.readers import open_dataset
from data.readers.limits import words_dropped
from utils.check.report import counted

Role = Literal["characters", "words", "test"]

DRAWN_SAMPLES = 32
"""Scenes that are looked at of a dataset that is drawn on demand, and images of one without image files."""


@dataclass(frozen=True)
class Source:
    """One dataset of the job.

    Attributes:
        name: where it stands in the configuration, such as `train.datasets.0`.
        role: what it is for: training on true characters, training on word boxes, or an evaluation.
        settings: its section.
        reader: its samples, opened whatever `max_dropped` says.
        report: the reader's report at opening; reading images may add to the reader's own.
        has_files: whether each image is a file of its own.
    """

    name: str
    role: Role
    settings: Any
    reader: Reader
    report: DropReport
    has_files: bool

    @property
    def is_training(self) -> bool:
        """Whether it is trained on."""
        return self.role != "test"

    @property
    def upright(self) -> bool:
        """Whether its images are turned as their EXIF orientation says."""
        return isinstance(self.settings, WordDataset) and self.settings.exif_orientation == "apply"

    def sample_name(self, index: int) -> str:
        """Return the name of a sample."""
        return self.reader.annotation(index).sample_id

    def spread(self, limit: int) -> np.ndarray:
        """Return up to `limit` indices int64 spread evenly over the dataset; fewer where looking is costly."""
        limit = min(limit, len(self.reader)) if self.has_files else min(limit, DRAWN_SAMPLES, len(self.reader))
        return np.arange(limit, dtype=np.int64) * len(self.reader) // max(1, limit)


def open_sources(config: DetectionConfig) -> tuple[list[Source], list[str]]:
    """Open every dataset that the job would read.

    Returns:
        The datasets that could be opened, and a sentence for each reason why training would refuse to start: what
        cannot be opened, and what drops more than its `max_dropped`; and for what training would leave out without a
        word, because it cannot be parsed, where the configuration does not say itself how much may be left out.
    """
    sources, problems = [], []
    for name, role, settings in _datasets(config):
        try:
            reader = open_dataset(settings.model_copy(update={"max_dropped": 1.0}))
        except UserError as fault:
            problems.append(f"{name}: {fault}")
            continue
        if words_dropped(reader.report):
            try:
                open_dataset(settings)
            except UserError as fault:
                problems.append(f"{name}: {fault}")
            else:
                if reader.report.unparsed and "max_dropped" not in settings.model_fields_set:
                    problems.append(f"{name}: {_unparsed(reader.report)}")
        has_files = len(reader) > 0 and reader.path(0) is not None
        sources.append(Source(name, role, settings, reader, copy.deepcopy(reader.report), has_files))
    return sources, problems


def _unparsed(report: DropReport) -> str:
    """Return the sentence about what stands in label files and cannot be parsed."""
    reason = min(report.unparsed, key=lambda one: (-report.dropped[one], one))
    total = sum(report.dropped[one] for one in report.unparsed)
    what = reason.partition(": ")[2]
    return (
        f"{counted(total, 'item')} of its labels cannot be parsed (e.g. {report.examples[reason][0]}, {what}); mend "
        "what is written there, or set this dataset's `max_dropped` to say how much may be left out"
    )


def _datasets(config: DetectionConfig) -> Iterator[tuple[str, Role, Any]]:
    weak = config.train.weak
    if weak is None or weak.use_synthtext:
        for number, settings in enumerate(config.train.datasets):
            yield f"train.datasets.{number}", "characters", settings
    for number, settings in enumerate(weak.datasets if weak is not None else ()):
        yield f"train.weak.datasets.{number}", "words", settings
    for name, test in config.test.items():
        yield f"test.{name}", "test", test.dataset
