"""Duplicate images, within a dataset or in both training and test data, where they make the score meaningless.

Image files and pictures of words in databases are compared by their bytes, image files also by perceptual hashes.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from data.io.progress import progress_bar
from data.reader import UnreadableSample
from utils.check.probe import Survey, alike, same_content
from utils.check.report import Report, counted, some
from utils.check.sources import BaseSource, Source
from utils.check.word_sources import WordSource
from utils.evaluate.results import table


class Copy(NamedTuple):
    """Two images of the same content, as indices of their datasets and of the samples in these."""

    first_source: int
    first: int
    second_source: int
    second: int


def find_copies(sources: Sequence[Source], surveys: Sequence[Survey]) -> list[Copy]:
    """Return the pairs of files with the same bytes, within a dataset and between training and test.

    In a group of equal files within a dataset, each file is paired with the first file of the group. Equal files in two
    training datasets, or in two tests, are no mistake and are not searched for.
    """
    owner = np.concatenate([np.full(len(survey.indices), k) for k, survey in enumerate(surveys)] or [np.zeros(0)])
    index = np.concatenate([survey.indices for survey in surveys] or [np.zeros(0, np.int64)])
    key = np.zeros(len(index), [("bytes", np.int64), ("digest", np.uint64)])
    for field, parts in (
        ("bytes", [survey.bytes for survey in surveys]),
        ("digest", [survey.digests for survey in surveys]),
    ):
        key[field] = np.concatenate(parts) if parts else 0
    _, groups, counts = np.unique(key, return_inverse=True, return_counts=True)
    candidates: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero((counts[groups.reshape(-1)] > 1) & (key["bytes"] > 0)).tolist():
        candidates[int(groups.reshape(-1)[row])].append(row)
    copies = []
    for rows in progress_bar(candidates.values(), len(candidates), "comparing files", unit="group"):
        places = [(int(owner[row]), int(index[row])) for row in rows]
        if not _worth_comparing([dataset for dataset, _ in places], sources):
            continue
        for same in same_content([_path(sources[dataset], sample) for dataset, sample in places]):
            copies += pairs_of([places[k] for k in same], sources)
    return copies


def find_lookalikes(sources: Sequence[Source], surveys: Sequence[Survey], copies: Sequence[Copy]) -> list[Copy]:
    """Return the pairs of a training and a test image that look the same, without those of the same bytes."""
    known = set(copies)
    found = []
    for train, left in enumerate(surveys):
        for test, right in enumerate(surveys):
            if sources[train].is_training and not sources[test].is_training:
                for left_row, right_row in alike(left.hashes, right.hashes):
                    pair = Copy(train, int(left.indices[left_row]), test, int(right.indices[right_row]))
                    if pair not in known:
                        found.append(pair)
    return found


def report_duplicates(
    report: Report, sources: Sequence[Source], surveys: Sequence[Survey], *, deep: bool, allow_leaks: bool
) -> None:
    """Add the duplicates; a test image in the training data is a problem unless leaks are allowed."""
    copies = find_copies(sources, surveys)
    twins = find_lookalikes(sources, surveys, copies) if deep else []
    looked = "the same bytes" + (", and the same look between training and test" if deep else "")
    report_copies(report, sources, copies, looked, twins=twins, allow_leaks=allow_leaks)


def report_copies(
    report: Report,
    sources: Sequence[BaseSource],
    copies: Sequence[Copy],
    looked: str,
    *,
    twins: Sequence[Copy] = (),
    allow_leaks: bool,
) -> None:
    """Add the section about duplicates.

    Args:
        report: the report.
        sources: the datasets.
        copies: pairs with the same bytes.
        looked: what was compared; printed if nothing was found.
        twins: pairs that look the same.
        allow_leaks: a test image in the training data is no problem.
    """
    leaks = [copy for copy in copies if copy.first_source != copy.second_source]
    rows, figures = [], {"leaks": [], "duplicates": {}, "lookalikes": []}
    for dataset, source in enumerate(sources):
        within = [copy for copy in copies if copy.first_source == copy.second_source == dataset]
        figures["duplicates"][source.name] = [_names(sources, copy) for copy in within]
        if within:
            examples = some([_text(sources, copy) for copy in within])
            rows.append((f"twice in {source.name}", f"{len(within):,}", examples))
            report.remarks.append(f"{source.name}: {counted(len(within), 'image')} more than once in the dataset")
    for what, title, pairs in (("leaks", "trained and tested", leaks), ("lookalikes", "look the same", twins)):
        figures[what] = [
            [sources[copy.first_source].name, sources[copy.second_source].name, *_names(sources, copy)]
            for copy in pairs
        ]
        for key in sorted({(copy.first_source, copy.second_source) for copy in pairs}):
            shared = [copy for copy in pairs if (copy.first_source, copy.second_source) == key]
            names = f"{sources[key[0]].name} and {sources[key[1]].name}"
            rows.append((f"{title}: {names}", f"{len(shared):,}", some([_text(sources, copy) for copy in shared])))
            sentence = _sentence(what, names, len(shared), _text(sources, shared[0]))
            (report.remarks if allow_leaks or what == "lookalikes" else report.problems).append(sentence)
    report.figures["duplicates"] = figures
    unseen = [source.name for source in sources if not source.has_files]
    lines = table(("what", "images", "for example"), rows, text_columns=3) if rows else [f"none ({looked})"]
    if unseen:
        lines.append(f"not compared, because their images are not files: {', '.join(unseen)}")
    report.section("Duplicate images", lines)


def _sentence(what: str, names: str, count: int, example: str) -> str:
    if what == "leaks":
        return (
            f"{counted(count, 'image')} in both {names} (e.g. {example}), so the score would be meaningless; "
            "remove them from one, or pass --allow-leaks"
        )
    return f"{counted(count, 'pair')} of images of {names} look the same (e.g. {example}); are they copies?"


def _worth_comparing(owners: list[int], sources: Sequence[BaseSource]) -> bool:
    """Tell whether two of the files belong to the same dataset, or one to training and one to test."""
    uses = {sources[owner].is_training for owner in owners}
    return len(set(owners)) < len(owners) or len(uses) == 2


def pairs_of(places: list[tuple[int, int]], sources: Sequence[BaseSource]) -> list[Copy]:
    """Return the relevant pairs of a group of equal files, given as (dataset, sample): see `find_copies`."""
    first_of: dict[int, int] = {}
    pairs = []
    for dataset, sample in places:
        if dataset in first_of:
            pairs.append(Copy(dataset, first_of[dataset], dataset, sample))
        else:
            first_of[dataset] = sample
    training = [place for place in places if sources[place[0]].is_training]
    tested = [place for place in places if not sources[place[0]].is_training]
    return pairs + [Copy(*training[0], *place) for place in tested if training]


def _path(source: Source, index: int) -> Path:
    path = source.reader.path(index)
    assert path is not None, "only files have a digest"
    return path


def _names(sources: Sequence[BaseSource], copy: Copy) -> list[str]:
    return [
        sources[dataset].sample_name(sample)
        for dataset, sample in ((copy.first_source, copy.first), (copy.second_source, copy.second))
    ]


def _text(sources: Sequence[BaseSource], copy: Copy) -> str:
    first, second = _names(sources, copy)
    return first if first == second else f"{first} = {second}"


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
