"""Word lists of the user: UTF-8 text files, one word per line, with or without counts."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.reader import DropReport

JOINERS = "\u200c\u200d"
"""ZERO WIDTH NON-JOINER and ZERO WIDTH JOINER: part of the spelling of words in Persian, Hindi and others."""

_Line = tuple[int, str, str | None]
"""Number of a line, its word, and its count as it is written, or None."""


def read_word_lists(paths: Sequence[str], report: DropReport) -> tuple[list[str], np.ndarray]:
    """Read word lists and join them.

    A line holds a word, or a word, a tab and its count (or a space instead of the tab if every line of the file has a
    count). Blank lines are ignored, and there are no comments: `#` may begin a word. A list without counts is assumed
    to follow Zipf's law in the order of its lines. Several lists have equal weights, whatever their lengths.

    Args:
        paths: the files.
        report: counts the lines that are left out.

    Returns:
        W words in NFC, the most frequent first, without repeats, and their frequencies, float64 [W].

    Raises:
        UserError: a file cannot be read, is not UTF-8, has a line with a wrong count, or holds no word.
    """
    lists = [_read_list(Path(path), report) for path in paths]
    joined: dict[str, float] = {}
    for frequencies in lists:
        total = sum(frequencies.values()) if len(lists) > 1 else 1.0
        for word, frequency in frequencies.items():
            joined[word] = joined.get(word, 0.0) + frequency / total
    words = sorted(joined, key=lambda word: -joined[word])
    return words, np.array([joined[word] for word in words])


def _read_list(path: Path, report: DropReport) -> dict[str, float]:
    lines = _split(_decode(path))
    counted = [line_number for line_number, _, count in lines if count is not None]
    if counted and len(counted) < len(lines):
        bare = next(line_number for line_number, _, count in lines if count is None)
        raise UserError(
            f"{path} line {bare} has no count, but line {counted[0]} has one: give every word of the list a count, "
            f"or none."
        )
    frequencies: dict[str, float] = {}
    for line_number, word, count in lines:
        place = f"{path.name} line {line_number}"
        value = _count(count, f"{path} line {line_number}") if count is not None else 1.0
        fault = _fault(word) or ("a count of 0" if value == 0 else None)
        if fault:
            report.drop(f"word list: {fault}", place)
        elif word not in frequencies:
            frequencies[word] = value if counted else 1.0 / (len(frequencies) + 1)
        else:
            report.drop("word list: there already" + (" (the counts are added up)" if counted else ""), place)
            frequencies[word] += value if counted else 0.0
    if not frequencies:
        raise UserError(f"The word list {path} has no line with a single word: write one word per line.")
    return frequencies


def _decode(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"The word list {path} cannot be read ({error.strerror}): give text.word_list a UTF-8 file with one word "
            f"per line."
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # `object` is the decoded part, without the byte order mark; `start` does not count that mark.
        start = len(data) - len(error.object) + error.start
        line = data.count(b"\n", 0, start) + 1
        kind = " (it begins as UTF-16 does)" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise UserError(
            f"{path} line {line}: byte {start} of the file is not UTF-8{kind}; save the word list as UTF-8."
        ) from None


def _split(text: str) -> list[_Line]:
    # Not `splitlines`, which also splits at characters that editors do not show as line ends.
    rows = [
        (line_number, unicodedata.normalize("NFC", row.strip()))
        for line_number, row in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1)
    ]
    rows = [(line_number, row) for line_number, row in rows if row]
    parts = [row.split() for _, row in rows]
    if parts and all(len(part) == 2 and part[1].isdecimal() for part in parts):
        return [(line_number, word, count) for (line_number, _), (word, count) in zip(rows, parts, strict=True)]
    lines: list[_Line] = []
    for line_number, row in rows:
        word, tab, count = row.partition("\t")
        lines.append((line_number, word.strip(), count.strip() if tab else None))
    return lines


def _count(text: str, place: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not (value >= 0 and math.isfinite(value)):
        raise UserError(f"{place}: after the tab stands '{text}', which is not a count; write a number of 0 or more.")
    return value


def _fault(word: str) -> str | None:
    if any(character.isspace() for character in word):
        return "more than one word in a line"
    # Such characters would count, but have no ink.
    hidden = {character for character in word if unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co")}
    if word[0] in JOINERS or word[-1] in JOINERS or not hidden <= set(JOINERS):
        return "invisible or unassigned characters"
    return None
