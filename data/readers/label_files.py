"""Datasets with one label file for each image, of any format, and checks of values in JSON files."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from config.errors import UserError
from config.schema.word_datasets import FolderDataset
from data.reader import DropReport
from data.readers.listing import check_selected, folder_images, match_labels, selector, subfolder
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

logger = logging.getLogger(__name__)

_BOM = b"\xef\xbb\xbf"


class LabelFileError(Exception):
    """The reason why a label file cannot be used, without the name of the file."""


class MalformedLineError(Exception):
    """The reason why a line of a label file cannot be used.

    Attributes:
        detail: the part of the line that is wrong, or "".
        parsed: the line has the right format, but its content makes no sense.
    """

    def __init__(self, reason: str, detail: str = "", *, parsed: bool = False) -> None:
        super().__init__(reason)
        self.detail = detail
        self.parsed = parsed


class FileParser(Protocol):
    """A function that parses one label file."""

    def __call__(self, data: bytes, name: str, words: WordBuilder) -> tuple[int, tuple[int, int]]:
        """Pass the words of a file to `words.word` or `words.drop`.

        Args:
            data: content of the file, without a byte order mark.
            name: name of the file, for places.

        Returns:
            How many words the file lists, usable or not; height and width of the image as the file gives them, or
            zeros.

        Raises:
            LabelFileError: the file as a whole cannot be parsed.
        """
        ...


def line_parser(parse: Callable[[str], tuple[list[float], str]]) -> FileParser:
    """Return a parser of files with one word a line.

    Args:
        parse: returns coordinates and text of a line, or raises `MalformedLineError`.
    """

    def parse_file(data: bytes, name: str, words: WordBuilder) -> tuple[int, tuple[int, int]]:
        lines = numbered_lines(data)
        take_lines(lines, parse, name, words)
        return len(lines), (0, 0)

    return parse_file


def take_lines(
    lines: Iterable[tuple[int, bytes]], parse: Callable[[str], tuple[Any, ...]], name: str, words: WordBuilder
) -> None:
    """Pass the words of a file, one a line, to `words`.

    Args:
        lines: number and bytes of each line.
        parse: returns the arguments of `WordBuilder.word` after the place, or raises `MalformedLineError`.
        name: name of the file, for places.
        words: collects the words.
    """
    for line_number, line in lines:
        try:
            words.word(name, line_number, *parse(line.decode("utf-8")))
        except UnicodeDecodeError:
            words.drop("line is not UTF-8", name, line_number)
        except MalformedLineError as fault:
            words.drop(str(fault), name, line_number, fault.detail, parsed=fault.parsed)


def open_label_files(config: FolderDataset, parse: FileParser, unit: str = "line") -> WordReader:
    """Open a dataset with a label file for each image.

    Samples come in natural order (`img_2` before `img_10`). An image without a label file, or with an empty one, counts
    as an image without text; the log says how many of each there are. An image whose label file cannot be parsed is
    left out, because its text would be taken for background. Label files without an image are counted.

    Raises:
        UserError: a folder is missing or does not fit, `select` is no range, or too many words are faulty.
    """
    assert config.images is not None and config.labels is not None, "named by the caller"
    folder = subfolder(config.root, config.images, "images")
    labels = subfolder(config.root, config.labels, "labels")
    images, present = folder_images(folder, config.image_names)
    report = DropReport()
    label_of = match_labels(images, present, folder, labels, config.label_names, report)
    chosen = list(filter(selector(config.select), images))
    check_selected(chosen, len(images), config.select, folder)
    words = WordBuilder(report, config.do_not_care_label, unit)
    absent, empty = [], []
    for image in chosen:
        label = label_of.get(image)
        if label is None:
            absent.append(image)
            words.image(image)
            continue
        try:
            listed, size = parse(label_bytes(labels / label), label, words)
        except LabelFileError as fault:
            report.drop(f"image: its label file {fault}", label, unparsed=True)
            report.drop("word: its image was left out", label)
            continue
        if not listed:
            empty.append(label)
        words.image(image, size)
    for names, what in ((absent, "have no label file"), (empty, "have an empty label file")):
        if names:
            logger.info(
                "%s: %d of %d images %s and count as images without text (e.g. %s)",
                folder, len(names), len(chosen), what, names[0],
            )  # fmt: skip
    return WordReader(folder, words, config, str(labels))


def label_bytes(path: Path) -> bytes:
    """Return the content of a label file without a byte order mark."""
    try:
        return path.read_bytes().removeprefix(_BOM)
    except OSError as error:
        raise UserError(f"{path}: this label file cannot be read ({error.strerror or type(error).__name__})") from None


def numbered_lines(data: bytes) -> list[tuple[int, bytes]]:
    """Return the number (from 1) and the bytes of each non-blank line, without its line end of any kind."""
    numbered = enumerate(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), 1)
    return [(line_number, line) for line_number, line in numbered if line.strip()]


def flat_points(value: Any) -> list[float] | None:
    """Return `[[x, y], ...]` as x and y in turn, or None if it is not a list of pairs of numbers."""
    if not isinstance(value, list):
        return None
    flat: list[Any] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        flat += pair
    return flat if are_numbers(flat) else None


def are_numbers(values: Any) -> bool:
    """Tell whether a value is a list of numbers that fit a float (`true` is not a number)."""
    return isinstance(values, list) and all(
        type(value) is float or (type(value) is int and abs(value) < 2**63) for value in values
    )


def integer(value: Any) -> int:
    """Return a size in pixels, or 0 if the value is not one."""
    if type(value) is float and math.isfinite(value):
        value = int(value)
    return value if type(value) is int and 0 < value < 2**31 else 0
