"""Images that are there twice: within a dataset, and, which spoils every score, in training and test.

Files of images and pictures of words in databases are compared by their bytes, images of two files also by their look.
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
    """Two images of the same content; numbers are those of the sources and of the samples in them."""

    first_source: int
    first: int
    second_source: int
    second: int


def find_copies(sources: Sequence[Source], surveys: Sequence[Survey]) -> list[Copy]:
    """Return the pairs of files with the same bytes, within a dataset and between training and test.

    Of a group of equal files within a dataset, each is paired with the group's first one. Equal files of two
    training datasets, or of two tests, are nobody's mistake and are not looked for.
    """
    owner = np.concatenate([np.full(len(survey.indices), k) for k, survey in enumerate(surveys)] or [np.zeros(0)])
    index = np.concatenate([survey.indices for survey in surveys] or [np.zeros(0, np.int64)])
    key = np.zeros(len(index), [("bytes", np.int64), ("digest", np.uint64)])
    for field, parts in (("bytes", [one.bytes for one in surveys]), ("digest", [one.digests for one in surveys])):
        key[field] = np.concatenate(parts) if parts else 0
    _, groups, counts = np.unique(key, return_inverse=True, return_counts=True)
    candidates: dict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero((counts[groups.reshape(-1)] > 1) & (key["bytes"] > 0)).tolist():
        candidates[int(groups.reshape(-1)[row])].append(row)
    copies = []
    for rows in progress_bar(candidates.values(), len(candidates), "comparing files", unit="group"):
        places = [(int(owner[row]), int(index[row])) for row in rows]
        if not _worth_comparing([number for number, _ in places], sources):
            continue
        for same in same_content([_path(sources[number], sample) for number, sample in places]):
            copies += pairs_of([places[k] for k in same], sources)
    return copies


def find_lookalikes(sources: Sequence[Source], surveys: Sequence[Survey], copies: Sequence[Copy]) -> list[Copy]:
    """Return the pairs of a training and a test image that look the same, those of the same bytes left out."""
    known = set(copies)
    found = []
    for train, left in enumerate(surveys):
        for test, right in enumerate(surveys):
            if sources[train].is_training and not sources[test].is_training:
                for row, number in alike(left.hashes, right.hashes):
                    pair = Copy(train, int(left.indices[row]), test, int(right.indices[number]))
                    if pair not in known:
                        found.append(pair)
    return found


def report_duplicates(
    report: Report, sources: Sequence[Source], surveys: Sequence[Survey], *, deep: bool, allow_leaks: bool
) -> None:
    """Add what is there twice; a test image that is trained on is a problem unless leaks are allowed."""
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
    """Add what was found.

    Args:
        report: what to add to.
        sources: the datasets.
        copies: what is there twice.
        looked: what was compared, for where nothing was found.
        twins: what looks the same.
        allow_leaks: a test image that is trained on is no problem.
    """
    leaks = [copy for copy in copies if copy.first_source != copy.second_source]
    rows, figures = [], {"leaks": [], "duplicates": {}, "lookalikes": []}
    for number, source in enumerate(sources):
        own = [copy for copy in copies if copy.first_source == copy.second_source == number]
        figures["duplicates"][source.name] = [_names(sources, copy) for copy in own]
        if own:
            rows.append((f"twice in {source.name}", f"{len(own):,}", some([_text(sources, copy) for copy in own])))
            report.remarks.append(f"{source.name}: {counted(len(own), 'image')} more than once in the dataset")
    for what, title, pairs in (("leaks", "trained and tested", leaks), ("lookalikes", "look the same", twins)):
        figures[what] = [
            [sources[copy.first_source].name, sources[copy.second_source].name, *_names(sources, copy)]
            for copy in pairs
        ]
        for key in sorted({(copy.first_source, copy.second_source) for copy in pairs}):
            own = [copy for copy in pairs if (copy.first_source, copy.second_source) == key]
            names = f"{sources[key[0]].name} and {sources[key[1]].name}"
            rows.append((f"{title}: {names}", f"{len(own):,}", some([_text(sources, copy) for copy in own])))
            sentence = _sentence(what, names, len(own), _text(sources, own[0]))
            (report.remarks if allow_leaks or what == "lookalikes" else report.problems).append(sentence)
    report.figures["duplicates"] = figures
    unseen = [source.name for source in sources if not source.has_files]
    lines = table(("what", "images", "for example"), rows, text_columns=3) if rows else [f"none ({looked})"]
    if unseen:
        lines.append(f"not compared, for their images are no files: {', '.join(unseen)}")
    report.section("Images that are there twice", lines)


def _sentence(what: str, names: str, count: int, example: str) -> str:
    if what == "leaks":
        return (
            f"{counted(count, 'image')} in both {names} (e.g. {example}), so that the score would tell "
            "nothing; take them out of one, or pass --allow-leaks"
        )
    return f"{counted(count, 'pair')} of images of {names} look the same (e.g. {example}); are they copies?"


def _worth_comparing(owners: list[int], sources: Sequence[BaseSource]) -> bool:
    """Tell whether any two of these belong to one dataset, or to training and test."""
    uses = {sources[number].is_training for number in owners}
    return len(set(owners)) < len(owners) or len(uses) == 2


def pairs_of(places: list[tuple[int, int]], sources: Sequence[BaseSource]) -> list[Copy]:
    """Return the pairs of one group of equal files, (source, sample) each, that matter: see `find_copies`."""
    first_of: dict[int, int] = {}
    pairs = []
    for number, sample in places:
        if number in first_of:
            pairs.append(Copy(number, first_of[number], number, sample))
        else:
            first_of[number] = sample
    training = [place for place in places if sources[place[0]].is_training]
    tested = [place for place in places if not sources[place[0]].is_training]
    return pairs + [Copy(*training[0], *place) for place in tested if training]


def _path(source: Source, index: int) -> Path:
    path = source.reader.path(index)
    assert path is not None, "only files have a digest"
    return path


def _names(sources: Sequence[BaseSource], copy: Copy) -> list[str]:
    return [
        sources[number].sample_name(sample)
        for number, sample in ((copy.first_source, copy.first), (copy.second_source, copy.second))
    ]


def _text(sources: Sequence[BaseSource], copy: Copy) -> str:
    first, second = _names(sources, copy)
    return first if first == second else f"{first} = {second}"


def find_word_copies(sources: Sequence[WordSource], limit: int) -> list[Copy]:
    """Return the pairs of pictures with the same bytes, within a dataset and between training and test.

    Args:
        sources: the datasets; those that are drawn or cut out on demand are passed over.
        limit: pictures of a dataset that are read, spread over it.
    """
    groups: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for number, source in enumerate(sources):
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
                groups[hashlib.blake2b(content, digest_size=16).digest()].append((number, index))
    copies = []
    for places in groups.values():
        if len(places) > 1:
            copies += pairs_of(places, sources)
    return copies


def report_word_copies(report: Report, sources: Sequence[WordSource], limit: int, *, allow_leaks: bool) -> None:
    """Add what is there twice; a test picture that is trained on is a problem unless leaks are allowed."""
    copies = find_word_copies(sources, limit)
    large = [source.name for source in sources if source.has_files and len(source.reader) > limit]
    looked = "the same bytes" + (f"; of {', '.join(large)} {limit:,} pictures each" if large else "")
    report_copies(report, sources, copies, looked, allow_leaks=allow_leaks)
    for number, source in enumerate(sources):
        torn = [
            copy
            for copy in copies
            if copy.first_source == copy.second_source == number
            and source.reader.text(copy.first) != source.reader.text(copy.second)
        ]
        if torn:
            first, second = torn[0].first, torn[0].second
            report.remarks.append(
                f"{source.name}: {counted(len(torn), 'picture')} there twice with two labels (e.g. "
                f"{source.reader.name(first)}: {source.reader.text(first)!r} and {source.reader.name(second)}: "
                f"{source.reader.text(second)!r}); one of them is wrong"
            )
