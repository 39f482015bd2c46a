"""Label files of lines: `labels.csv`, and `gt.txt` in its many forms."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from config.errors import UserError
from config.schema.word_crops import GtTxtWords, JsonlWords, JsonWords, LabelsCsvWords
from data.reader import DropReport
from data.readers.label_files import label_bytes, numbered_lines
from data.readers.listing import label_path, subfolder
from data.readers.shards import find_parts
from data.readers.sniff import what_is
from data.recognition.readers.file_words import FileWords, WordList
from data.recognition.readers.label_lines import (
    SPLITTERS,
    LabelLine,
    choose_separator,
    is_image_name,
    is_quoted_csv,
    split_csv,
)

logger = logging.getLogger(__name__)

_LOOKED_AT = 10_000
"""Number of lines from which the form of a file is guessed."""
_UNQUOTED_BY = ("shard.json", "converted.json")
"""Files beside a `labels.csv` that this project wrote; its labels are never quoted."""


def open_labels_csv(config: LabelsCsvWords) -> FileWords:
    """Open pictures with a `labels.csv`. Samples come in the order of the lines.

    Raises:
        UserError: there is no such file, it has another header, or `select` or `part` takes nothing.
    """
    root = subfolder(config.root, ".", "root")
    words = WordList(root)
    for part in find_parts(config.root, config.labels):
        path = part / config.labels
        images = subfolder(str(part), config.images, "images")
        prefix = images.relative_to(root).as_posix() + "/" if images != root else ""
        _add(words, prefix, path, root, _csv_lines(path, config.quotes, words.report, root))
    return words.reader(config)


def open_gt_txt(config: GtTxtWords) -> FileWords:
    """Open pictures with a text file of paths and labels. Samples come in the order of the lines.

    Raises:
        UserError: there is no such file or folder, or `select` or `part` takes nothing.
    """
    path, words = open_list(config)
    lines = read_lines(path, path.name, words.report)
    separator = config.separator
    if separator == "auto":
        separator = choose_separator([text for _, text in lines[:_LOOKED_AT]])
        logger.info("%s: a %s parts paths from labels in most lines", path, separator)
    split = SPLITTERS[separator]
    taken = (
        LabelLine(line_number, *found)
        if (found := split(text))
        else LabelLine(line_number, fault=f"has no {separator}")
        for line_number, text in lines
    )
    _add(words, "", path, path.parent, taken)
    return words.reader(config)


def open_list(config: GtTxtWords | JsonlWords | JsonWords) -> tuple[Path, WordList]:
    """Return the label file of a dataset, and an empty `WordList` for its pictures.

    Raises:
        UserError: the file or the folder of the pictures does not exist.
    """
    images = subfolder(config.root, config.images, "images")
    return label_path(config.root, config.labels), WordList(images)


def read_lines(path: Path, place: str, report: DropReport) -> list[tuple[int, str]]:
    """Return the number (from 1) and the text of each non-blank line of a UTF-8 file; count lines that are not UTF-8.

    Args:
        path: the file.
        place: name of the file in the report.
        report: counts what is left out.

    Raises:
        UserError: it is not a text file in UTF-8.
    """
    data = label_bytes(path)
    kind = what_is(data[:520])
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        kind = "UTF-16 text (save it as UTF-8)"
    if kind not in (None, "a text file"):
        raise UserError(f"{path}: this is no label file, it is {kind}; set the dataset's `labels`")
    lines = []
    for line_number, line in numbered_lines(data):
        try:
            lines.append((line_number, line.decode()))
        except UnicodeDecodeError:
            report.drop("word: its line is not UTF-8", f"{place} line {line_number}", unparsed=True)
    return lines


def _csv_lines(path: Path, quotes: str, report: DropReport, root: Path) -> Iterable[LabelLine]:
    """Return the parsed lines of a `labels.csv`, without the header."""
    lines = read_lines(path, path.relative_to(root).as_posix(), report)
    if not lines:
        return []
    header = lines[0][1]
    mark = next((separator for separator in (",", ";", "\t") if separator in header), ",")
    fields = header.split(mark)
    if not is_image_name(fields[0]):
        if len(fields) != 2:
            raise UserError(
                f"{path}: its first line, {header[:80]!r}, names {len(fields)} columns; this format has two, "
                "`filename,words`"
            )
        lines = lines[1:]
    quoted = quotes == "csv"
    if quotes == "auto" and not any((path.parent / name).is_file() for name in _UNQUOTED_BY):
        found = [text for _, text in lines if '"' in text]
        quoted = bool(found) and is_quoted_csv([text for _, text in lines[:_LOOKED_AT]] + found[:_LOOKED_AT], mark)
        if found:
            logger.info(
                "%s: quotes %s (the dataset's `quotes` says otherwise if that is wrong)",
                path, "are those of a CSV writer" if quoted else "belong to the labels",
            )  # fmt: skip
    return split_csv(lines, mark, quoted)


def _add(words: WordList, prefix: str, path: Path, root: Path, lines: Iterable[LabelLine]) -> None:
    """Add the lines of a file; their paths are relative to `prefix`, a path below the folder of the pictures."""
    source = path.relative_to(root).as_posix()
    for line in lines:
        place = f"{source} line {line.line_number}"
        if line.fault:
            words.report.drop(f"word: its line {line.fault}", place, unparsed=True)
        else:
            words.add(prefix + line.name, line.text, place)
