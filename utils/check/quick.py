"""The quick part of the check, which runs before every training."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from config.schema.detection import DetectionConfig
from data.reader import Reader
from utils.check.boxes import SMALL, measure_boxes
from utils.check.counts import take_census
from utils.check.duplicates import Copy
from utils.check.probe import same_content, survey_images
from utils.check.report import percent, quantiles
from utils.check.sources import BaseSource, Source, open_sources

S = TypeVar("S", bound=BaseSource)

_LOOKED, _COMPARED = 200, 20_000


def quick_check(config: DetectionConfig, opened: Mapping[str, Reader] | None = None) -> list[str]:
    """Return log lines about the data of a job: counts, what is left out, sizes of words, and obvious leaks.

    It examines a few hundred images of each dataset, so it takes a second or two; `check.py` examines all. Lines about
    faults begin with "warning: ". Faulty data raises no error here, because training reports it.

    Args:
        config: the whole job.
        opened: datasets that training has opened already, by their place in the configuration.
    """
    sources, problems = open_sources(config, opened)
    return quick_lines(sources, problems, lambda source: _line(source, config))


def quick_lines(sources: Sequence[S], problems: Sequence[str], describe: Callable[[S], str]) -> list[str]:
    """Return the line of `describe` for each dataset, and warnings: the problems, and the first obvious leak."""
    lines = [describe(source) for source in sources if len(source.reader)]
    lines += [f"warning: {problem}" for problem in problems]
    for copy in quick_leaks(sources)[:1]:
        left, right = sources[copy.first_source], sources[copy.second_source]
        lines.append(
            f"warning: {left.sample_name(copy.first)} is in both {left.name} and {right.name}, so the score would be "
            "meaningless; check.py lists all such images"
        )
    return lines


def quick_leaks(sources: Sequence[BaseSource]) -> list[Copy]:
    """Return the training images that are also in a test, with the same file name and the same bytes.

    Datasets of more than 20,000 images are skipped, because listing their files takes too long.
    """
    places: dict[str, list[tuple[int, int]]] = {}
    small = [
        (dataset, source)
        for dataset, source in enumerate(sources)
        if source.has_files and len(source.reader) <= _COMPARED
    ]
    for dataset, source in small:
        for index in range(len(source.reader)):
            path = source.reader.path(index)
            if path is not None:
                places.setdefault(path.name, []).append((dataset, index))
    found = []
    for owners in places.values():
        training = [place for place in owners if sources[place[0]].is_training]
        for tested in (place for place in owners if not sources[place[0]].is_training):
            found += [Copy(*trained, *tested) for trained in training if _same_file(sources, trained, tested)]
    return found


def _same_file(sources: Sequence[BaseSource], first: tuple[int, int], second: tuple[int, int]) -> bool:
    paths = [sources[dataset].reader.path(index) for dataset, index in (first, second)]
    try:
        sizes = {os.stat(path).st_size for path in paths if path is not None}
    except OSError:
        return False
    return len(sizes) == 1 and bool(same_content([path for path in paths if path is not None]))


def _line(source: Source, config: DetectionConfig) -> str:
    report = source.report
    parts = [f"{source.name}: {len(source.reader):,} images"]
    if report.words:
        ignored = take_census(source, _LOOKED)
        parts.append(f"{report.words:,} words ({percent(ignored.ignored, ignored.words)} don't care)")
        parts.append(f"{report.chars:,} characters" if report.chars else "no character boxes")
    dropped = sum(report.dropped.values())
    if dropped:
        parts.append(f"{dropped:,} left out")
    if source.has_files:
        survey = survey_images(source, deep=False, limit=_LOOKED)
        found = measure_boxes(source, survey, config, _LOOKED)
        if survey.unreadable:
            parts.append(f"{len(survey.unreadable)} of {len(survey.indices)} images looked at cannot be read")
        if len(found.seen):
            low, median, high = quantiles(found.seen, (0.05, 0.5, 0.95))
            small = percent(int(np.sum(found.seen < SMALL)), len(found.seen))
            parts.append(
                f"words {median:.0f} px high for the network ({low:.0f} to {high:.0f}), {small} under {SMALL:g} px"
            )
    return "; ".join(parts)
