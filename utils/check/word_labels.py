"""Counts of words, what was left out, and how well the alphabet fits the labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from config.schema.recognition import RecognitionConfig
from data.reader import words_dropped
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import named
from utils.check.characters import RARE, judge_characters, listed
from utils.check.counts import left_out_figures, remark_left_out, report_left_out
from utils.check.report import Report, counted, percent, quantiles
from utils.check.word_sources import Labels, WordSource
from utils.evaluate.results import table

_LENGTHS = (0.0, 0.5, 0.95, 1.0)


def report_word_counts(report: Report, sources: Sequence[WordSource], labels: Sequence[Labels]) -> None:
    """Add the table of counts and label lengths, and the table of what was left out and why."""
    rows, figures = [], {}
    for source, found in zip(sources, labels, strict=True):
        lost = words_dropped(source.report)
        lengths = quantiles(found.lengths, _LENGTHS)
        share = f"{lost:,} ({percent(lost, lost + source.report.words)})" if lost else "0"
        shown = [f"{value:g}" for value in lengths] or ["-"] * len(_LENGTHS)
        rows.append((source.name, source.settings.format, f"{len(source.reader):,}", share, *shown))
        figures[source.name] = _figures(source, lengths)
        remark_left_out(report, source, "label", "left out")
    report.figures["counts"] = figures
    header = ("dataset", "format", "words", "left out", "label: shortest", "median", "95 %", "longest")
    report.section("What there is (labels in characters)", table(header, rows, text_columns=2))
    report_left_out(report, sources)


def report_alphabet(
    report: Report, sources: Sequence[WordSource], labels: Sequence[Labels], config: RecognitionConfig
) -> None:
    """Add the alphabet, the characters of labels that it lacks, and its characters that no label has."""
    alphabet = Alphabet(config.characters)
    training: Counter[str] = Counter()
    possible: set[str] = set()
    lines = [f"{len(alphabet)} characters: {alphabet.visible()}"]
    for source, found in zip(sources, labels, strict=True):
        if source.is_training:
            training.update(found.characters)
            possible |= found.possible
        if found.unknown:
            lines.append(f"{source.name} has characters that the alphabet lacks: {named(found.unknown)}")
        _judge(report, source, found)
    # Characters that a generator may write will occur, even if the examined labels lack them.
    never = [character for character in alphabet.characters if character not in training and character not in possible]
    if any(source.is_training for source in sources):
        rare = [
            character
            for character in alphabet.characters
            if 0 < training[character] < RARE and character not in possible
        ]
        if never:
            lines.append(f"never in a training label: {listed(never)}")
            report.remarks.append(
                f"{counted(len(never), 'character')} of the alphabet never in a training label ({listed(never, 20)}): "
                "what is not trained on cannot be read"
            )
        if rare:
            lines.append(f"under {RARE} times: {listed(rare)}")
        if training:
            common = sorted(training, key=lambda character: (-training[character], character))
            lines.append(f"most frequent: {listed(common, 20)}")
    report.figures["alphabet"] = {
        "characters": alphabet.characters,
        "never_in_training": never,
        "training": dict(training.most_common()),
        "lacking": {source.name: found.unknown for source, found in zip(sources, labels, strict=True)},
    }
    report.section("Alphabet", lines)


def _figures(source: WordSource, lengths: list[float]) -> dict[str, Any]:
    return {
        "format": source.settings.format,
        "words": len(source.reader),
        "before_the_alphabet": len(source.whole),
        **left_out_figures(source.report),
        "label_length": dict(zip(("min", "median", "p95", "max"), lengths, strict=False)),
    }


def _judge(report: Report, source: WordSource, found: Labels) -> None:
    if found.unreadable_labels and not source.is_training:
        report.remarks.append(
            f"{source.name}: {counted(found.unreadable_labels, 'label')} "
            f"({percent(found.unreadable_labels, len(found.lengths))}) with characters that the alphabet lacks "
            f"({named(found.unknown)}) can never be read correctly; a `protocol` may leave such characters out"
        )
    if not source.is_training and int(np.sum(found.lengths == 0)):
        report.remarks.append(
            f"{source.name}: the protocol removes all characters of {counted(int(np.sum(found.lengths == 0)), 'label')}"
        )
    judge_characters(report, source, found.characters)
