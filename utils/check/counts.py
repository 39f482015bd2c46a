"""Counts of images, words and characters, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.graphemes import clusters
from data.io.progress import progress_bar
from data.reader import DropReport, words_dropped
from data.readers.word_builder import CROSSED
from utils.check.report import Report, counted, percent, some
from utils.check.sources import BaseSource, Source
from utils.evaluate.results import table


@dataclass
class Census:
    """Statistics of the annotations of a dataset.

    Attributes:
        looked: number of images whose annotation was read; `whole` tells whether these are all images.
        words, chars, ignored: sums over these images; `words` includes ignored words.
        per_image: int64 [looked], words of each image, ignored words included.
        without_text: images without any word.
        textless: places of words that have no text and are not "don't care".
        single: words of one character, without "don't care" words.
        characters: number of occurrences of each character, without "don't care" words.
    """

    looked: int
    whole: bool
    words: int = 0
    chars: int = 0
    ignored: int = 0
    per_image: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    without_text: int = 0
    textless: list[str] = field(default_factory=list)
    single: int = 0
    characters: Counter[str] = field(default_factory=Counter)


def take_census(source: Source, limit: int) -> Census:
    """Read the annotations of up to `limit` images of a dataset."""
    indices = source.spread(limit)
    census = Census(len(indices), len(indices) == len(source.reader), per_image=np.zeros(len(indices), np.int64))
    texts: Counter[str] = Counter()
    for place, index in enumerate(progress_bar(indices.tolist(), len(indices), f"annotations of {source.name}")):
        sample = source.reader.annotation(index)
        census.words += len(sample.words)
        census.chars += len(sample.char_quads)
        census.ignored += int(sample.ignore.sum())
        census.per_image[place] = len(sample.words)
        census.without_text += not sample.words
        for position, (word, ignored) in enumerate(zip(sample.words, sample.ignore.tolist(), strict=True), 1):
            if ignored:
                continue
            texts[word] += 1
            if not word.strip():
                census.textless.append(f"{sample.sample_id} word {position}")
    for word, count in texts.items():
        found = clusters(word)
        census.single += count * (len(found) == 1)
        for character in found:
            census.characters[character] += count
    return census


def report_counts(report: Report, sources: list[Source], censuses: list[Census]) -> None:
    """Add the table of counts, and the table of what was left out and why."""
    rows, figures = [], {}
    for source, census in zip(sources, censuses, strict=True):
        rows.append(_row(source, census))
        figures[source.name] = _figures(source, census)
        _judge(report, source, census)
        remark_left_out(report, source, "word", "left out as faulty")
    report.figures["counts"] = figures
    header = ("dataset", "format", "images", "words", "characters", "don't care", "no text", "left out")
    report.section("What there is", table(header, rows, text_columns=2))
    report_left_out(report, sources)


def report_left_out(report: Report, sources: Sequence[BaseSource]) -> None:
    """Add the tables of what was left out, and of unusual labels that were kept, by reason."""
    for title, attribute in (("What was left out", "dropped"), ("What was kept although it is odd", "noted")):
        rows = [row for source in sources for row in _reasons(source, getattr(source.report, attribute))]
        if rows:
            report.section(title, table(("dataset", "number", "reason", "for example"), rows, text_columns=4))


def remark_left_out(report: Report, source: BaseSource, noun: str, how: str) -> None:
    """Add a remark about what was left out, such as a "word" "left out as faulty", unless it is a problem already."""
    lost = words_dropped(source.report)
    if lost and not any(problem.startswith(f"{source.name}:") for problem in report.problems):
        reason = max(source.report.dropped, key=lambda name: (name.startswith("word:"), source.report.dropped[name]))
        report.remarks.append(
            f"{source.name}: {counted(lost, noun)} {how}, no more than `max_dropped` allows (e.g. "
            f"{reason}, {some(source.report.examples.get(reason, []), 1)})"
        )


def left_out_figures(report: DropReport) -> dict[str, Any]:
    """Return what was left out and what is unusual, as plain values."""
    return {
        "left_out": dict(report.dropped),
        "odd": dict(report.noted),
        "examples": {reason: list(places) for reason, places in report.examples.items()},
    }


def _reasons(source: BaseSource, counts: dict[str, int]) -> list[tuple[str, ...]]:
    """Return rows of a table: dataset, count, reason and examples."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    examples = source.report.examples
    return [(source.name, f"{count:,}", reason, some(examples.get(reason, []))) for reason, count in ordered]


def _row(source: Source, census: Census) -> tuple[str, ...]:
    """Return exact counts if all annotations were read; otherwise the counts of the reader's report, and shares."""
    found = source.report
    known = found.words + found.chars > 0
    if census.whole:
        counts = [census.words, census.chars, census.ignored, census.without_text]
        words, chars, ignored, textless = (f"{count:,}" for count in counts)
    else:
        words, chars = (f"{found.words:,}", f"{found.chars:,}") if known else ("on demand", "on demand")
        ignored = percent(census.ignored, census.words)
        textless = percent(census.without_text, census.looked)
    lost = words_dropped(found)
    share = f"{lost:,} ({percent(lost, lost + found.words)})" if known and lost else f"{lost:,}"
    return source.name, source.settings.format, f"{len(source.reader):,}", words, chars, ignored, textless, share


def _figures(source: Source, census: Census) -> dict[str, Any]:
    return {
        "format": source.settings.format,
        "images": len(source.reader),
        "images_looked_at": census.looked,
        "words": census.words,
        "characters": census.chars,
        "dont_care": census.ignored,
        "of_one_character": census.single,
        "images_without_text": census.without_text,
        "kept": {"images": source.report.images, "words": source.report.words, "characters": source.report.chars},
        **left_out_figures(source.report),
    }


def _judge(report: Report, source: Source, census: Census) -> None:
    if source.is_training and census.words == census.ignored:
        report.problems.append(
            f"{source.name}: no word of its {census.looked:,} images can be used for training (there is no text, or "
            "all of it is marked as don't care); check its labels and `do_not_care_label`"
        )
    elif source.role == "characters" and not census.chars:
        report.problems.append(
            f"{source.name}: has no character boxes; list datasets with word boxes only under train.weak.datasets"
        )
    elif source.is_training and census.without_text > census.looked / 2:
        report.remarks.append(
            f"{source.name}: {percent(census.without_text, census.looked)} of the images have no text; is the folder "
            "of label files the right one?"
        )
    crossed, allowed = source.report.noted.get(CROSSED, 0), source.settings.max_dropped
    if source.is_training and crossed > allowed * max(1, source.report.words):
        share, example = percent(crossed, source.report.words), some(source.report.examples[CROSSED], 1)
        report.problems.append(
            f"{source.name}: {counted(crossed, 'word')} whose sides cross ({share}, more than `max_dropped` "
            f"({allowed:g}) allows; e.g. {example}); their corners are reordered, perhaps not as intended; correct "
            "them, or raise this dataset's `max_dropped`"
        )
