"""MJSynth, alias 90kDICT32px (Jaderberg et al., Synthetic Data and Artificial Neural Networks, 2014).

A line of its annotation files is `./2425/1/115_Lube_45484.jpg 45484`: a path, whose file name has the label between its
first and last underscore, and the word's number in a lexicon, which is not used.
"""

from __future__ import annotations

import re
from pathlib import Path

from config.schema.word_crops import MjsynthWords
from data.graphemes import nfc
from data.reader import DropReport
from data.readers.listing import label_path, leaves_folder, subfolder
from data.recognition.readers.file_words import PictureFiles
from data.recognition.readers.label_lines import clean_label, is_image_name
from data.recognition.readers.line_index import LineIndex, open_lines

_PLAIN = re.compile(
    rb"^(?:\./)?[A-Za-z0-9][A-Za-z0-9/]*/[0-9]+_([A-Za-z0-9]+)_[0-9]+\.jpg(?: [0-9]+)?\r?$", re.MULTILINE
)
"""The form of nearly all lines; lines of this form need no further check."""
_LINE = re.compile(r"(\S.*?)(?:[ \t]+[0-9]+)?\s*")
_NAME = re.compile(r"(?:.*/)?[^/_]+_([^/]+)_[^/_]+\.[^./_]+")


class MjsynthReader(PictureFiles):
    """Reader of MJSynth.

    It is not checked beforehand whether the nine million pictures exist; a missing one counts as unreadable.

    Args:
        folder: folder of the pictures.
        lines: the usable lines of the annotation file.
        report: what was kept and left out.
        fingerprint: hash of the annotation file.
    """

    def __init__(self, folder: Path, lines: LineIndex, report: DropReport, fingerprint: str) -> None:
        super().__init__(folder)
        self._lines = lines
        self.report = report
        self._fingerprint = fingerprint

    def __len__(self) -> int:
        return len(self._lines)

    def text(self, index: int) -> str:
        return _label(self.name(index))

    def name(self, index: int) -> str:
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return _path(self._lines[index % len(self)].decode())

    def fingerprint(self) -> str:
        return self._fingerprint


def open_mjsynth(config: MjsynthWords) -> MjsynthReader:
    """Open an annotation file of MJSynth; its index is made if it is not there yet.

    Raises:
        UserError: a folder or the file is missing, or no folder for the index can be written.
    """
    images = subfolder(config.root, config.images, "images")
    path = label_path(config.root, config.labels)
    return MjsynthReader(images, *open_lines(path, config.index_dir, parse_lines))


def parse_lines(data: bytes, line_number: int, offset: int, report: DropReport) -> list[int]:
    """Return the offsets of the usable lines; see `line_index.Parse`."""
    matches = list(_PLAIN.finditer(data))
    if len(matches) == data.count(b"\n") + (not data.endswith(b"\n")):
        starts = [offset + match.start() for match in matches]
        chars = sum(match.end(1) - match.start(1) for match in matches)
    else:
        starts, chars = _parse_each(data, line_number, offset, report)
    report.words += len(starts)
    report.images += len(starts)
    report.chars += chars
    return starts


def _parse_each(data: bytes, line_number: int, offset: int, report: DropReport) -> tuple[list[int], int]:
    """Return the offsets of the usable lines, and the number of characters of their labels."""
    starts, chars = [], 0
    for ahead, line in enumerate(data.split(b"\n")):
        place, start = f"line {line_number + ahead}", offset
        offset += len(line) + 1
        if not line.strip():
            continue
        try:
            path = _path(line.decode())
        except UnicodeDecodeError:
            report.drop("word: its line is not UTF-8", place, unparsed=True)
            continue
        match = _NAME.fullmatch(path)
        if match is None or not is_image_name(path):
            report.drop("word: its line names no NUMBER_LABEL_NUMBER.jpg", f"{place}: {path[:60]!r}", unparsed=True)
        elif leaves_folder(path):
            report.drop("word: its image was left out (its path leads outside the data root)", place)
        elif (label := clean_label(match[1], place, report)) is not None:
            starts.append(start)
            chars += len(label)
    return starts, chars


def _path(line: str) -> str:
    """Return the path in a line, without the number after it and the `./` before it."""
    match = _LINE.fullmatch(line)
    return "" if match is None else match[1].removeprefix("./")


def _label(name: str) -> str:
    match = _NAME.fullmatch(name)
    assert match is not None, "checked when the index was made"
    return nfc(match[1])
