"""Datasets with a label file for each image, whatever is in the label files; and values that JSON ones hold."""

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
    """Says why nothing in a label file can be used, without naming the file."""


class MalformedLineError(Exception):
    """Says what is wrong with a line of a label file.

    Attributes:
        detail: the part of the line that is wrong, where there is one.
        parsed: the line is of its format, only what it says makes no sense.
    """

    def __init__(self, reason: str, detail: str = "", *, parsed: bool = False) -> None:
        super().__init__(reason)
        self.detail = detail
        self.parsed = parsed


class FileParser(Protocol):
    """Understands one label file."""

    def __call__(self, data: bytes, name: str, words: WordBuilder) -> tuple[int, tuple[int, int]]:
        """Hand the words of a file to `words.word` or `words.drop`.

        Args:
            data: content of the file, without a byte order mark.
            name: name of the file, for places.

        Returns:
            How many words the file lists, whether or not they can be used; height and width of the image as
            the file has them, or zeros.

        Raises:
            LabelFileError: the file as a whole cannot be understood.
        """
        ...


def line_parser(parse: Callable[[str], tuple[list[float], str]]) -> FileParser:
    """Return the parser of files with one word a line.

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
    """Hand the words of a file to `words`, one a line.

    Args:
        lines: number and bytes of each.
        parse: returns what `WordBuilder.word` takes after the place, or raises `MalformedLineError`.
        name: name of the file, for places.
        words: what they are handed to.
    """
    for number, line in lines:
        try:
            words.word(name, number, *parse(line.decode("utf-8")))
        except UnicodeDecodeError:
            words.drop("line is not UTF-8", name, number)
        except MalformedLineError as fault:
            words.drop(str(fault), name, number, fault.detail, parsed=fault.parsed)


def open_label_files(config: FolderDataset, parse: FileParser, unit: str = "line") -> WordReader:
    """Open a dataset with a label file for each image.

    Samples come in natural order (`img_2` before `img_10`). An image without a label file, or with an empty one, is an
    image without text; which of the two is said once in the log. An image whose label file cannot be understood
    is left out, since its text would pass for background. Label files of images that are not there are counted.

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
    """Return number and bytes of each line that is not blank, without its end, whichever end lines have."""
    numbered = enumerate(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), 1)
    return [(number, line) for number, line in numbered if line.strip()]


def flat_points(value: Any) -> list[float] | None:
    """Return `[[x, y], ...]` as x and y in turn, or None where it is not a list of pairs of numbers."""
    if not isinstance(value, list):
        return None
    flat: list[Any] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        flat += pair
    return flat if are_numbers(flat) else None


def are_numbers(values: Any) -> bool:
    """Tell whether a value is a list of numbers that fit a float (`true` is no number)."""
    return isinstance(values, list) and all(
        type(value) is float or (type(value) is int and abs(value) < 2**63) for value in values
    )


def integer(value: Any) -> int:
    """Return a size in pixels, or 0 where the value is none."""
    if type(value) is float and math.isfinite(value):
        value = int(value)
    return value if type(value) is int and 0 < value < 2**31 else 0
