"""Duplicate pictures of words, found by the bytes of their files, in folders and in databases."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from data.progress import progress_bar
from data.reader import UnreadableSample
from utils.check.duplicates import Copy, pairs_of, report_copies
from utils.check.report import Report, counted
from utils.check.word_sources import WordSource


def find_word_copies(sources: Sequence[WordSource], limit: int) -> list[Copy]:
    """Return the pairs of pictures with the same bytes, within a dataset and between training and test.

    Args:
        sources: the datasets; generated and cut-out words are skipped.
        limit: maximum number of pictures of a dataset that are read, spread over it.
    """
    groups: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for dataset, source in enumerate(sources):
        if not source.has_files:
            continue
        size = len(source.reader)
        looked = min(size, limit)
        for row in progress_bar(range(looked), looked, f"pictures of {source.name}"):
            index = row * size // looked
            try:
                content = source.reader.raw(index)
            except UnreadableSample:
                continue  # Counted where the sizes are read.
            if content is not None:
                groups[hashlib.blake2b(content, digest_size=16).digest()].append((dataset, index))
    copies = []
    for places in groups.values():
        if len(places) > 1:
            copies += pairs_of(places, sources)
    return copies


def report_word_copies(report: Report, sources: Sequence[WordSource], limit: int, *, allow_leaks: bool) -> None:
    """Add the duplicates; a test picture in the training data is a problem unless leaks are allowed."""
    copies = find_word_copies(sources, limit)
    large = [source.name for source in sources if source.has_files and len(source.reader) > limit]
    looked = "the same bytes" + (f"; of {', '.join(large)} {limit:,} pictures each" if large else "")
    report_copies(report, sources, copies, looked, allow_leaks=allow_leaks)
    for dataset, source in enumerate(sources):
        torn = [
            copy
            for copy in copies
            if copy.first_source == copy.second_source == dataset
            and source.reader.text(copy.first) != source.reader.text(copy.second)
        ]
        if torn:
            first, second = torn[0].first, torn[0].second
            report.remarks.append(
                f"{source.name}: {counted(len(torn), 'picture')} there twice with two labels (e.g. "
                f"{source.reader.name(first)}: {source.reader.text(first)!r} and {source.reader.name(second)}: "
                f"{source.reader.text(second)!r}); one of them is wrong"
            )
