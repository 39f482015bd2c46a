"""PaddleOCR: label files with a line `PATH<TAB>JSON` for each image.

The JSON is a list of words, `{"transcription": "text", "points": [[x, y], ...]}` with four points or more, clockwise
from the top left of the text. `"difficult": true` (PPOCRLabel) marks "don't care". Other keys are not read, except for
one extension of this project:

`"chars": [[[x, y], [x, y], [x, y], [x, y]], ...]` holds the box of each character other than white space in reading
order, with corners in the same order as those of the word. A word with such character boxes needs no pseudo-labels.
PaddleOCR ignores this key.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from config.schema.word_datasets import PaddleOcrDataset
from data.reader import DropReport
from data.readers.label_files import flat_points, label_bytes, numbered_lines
from data.readers.listing import ImageFolder, check_selected, label_path, selector, subfolder
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

logger = logging.getLogger(__name__)


def open_paddleocr(config: PaddleOcrDataset) -> WordReader:
    """Open label files of PaddleOCR. Samples come in the order of the lines.

    An image that is missing, listed twice, or whose line cannot be parsed is left out with its words, all counted.

    Raises:
        UserError: a folder or label file is missing, `select` is no range, or too many words are faulty.
    """
    folder = subfolder(config.root, config.images, "images")
    report = DropReport()
    found, takes, total = ImageFolder(folder), selector(config.select), 0
    words = WordBuilder(report, config.do_not_care_label)
    seen: set[str] = set()
    bare = 0
    for label in config.labels:
        path = label_path(config.root, label)
        for line_number, line in numbered_lines(label_bytes(path)):
            name, listed, fault = _parse_line(line)
            total += 1
            if name and not takes(name):
                continue
            image, unparsed = None, bool(fault)
            if not fault:
                image, fault = found.find(name)
            if image in seen:
                fault = "image: listed twice"
            if fault or image is None:
                place = f"{path.name} line {line_number}"
                report.drop(fault, f"{place}: {name!r}" if name else place, unparsed=unparsed)
                report.drop("word: its image was left out", place, max(len(listed), 1))
                continue
            seen.add(image)
            bare += not listed
            for position, entry in enumerate(listed, 1):
                _word(entry, path.name, f"{line_number}, word {position}", words)
            words.image(image)
    if config.select is not None:
        check_selected(seen, total, config.select, folder)
    if bare:
        logger.info("%s: %d images are listed without words and count as images without text", folder, bare)
    return WordReader(folder, words, config, str(folder))


def _parse_line(line: bytes) -> tuple[str, list[Any], str]:
    """Return path and words of a line, and what is wrong with it."""
    try:
        name, tab, text = line.decode("utf-8").partition("\t")
    except UnicodeDecodeError:
        return "", [], "image: its line is not UTF-8"
    if not tab:
        return name[:60], [], "image: its line has no tab after the path"
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return name, [], "image: no JSON follows the tab of its line"
    if not isinstance(listed, list):
        return name, [], "image: the JSON of its line is no list"
    return name, listed, ""


def _word(entry: Any, source: str, item: str, words: WordBuilder) -> None:
    if not isinstance(entry, dict):
        words.drop("entry is not a mapping", source, item)
        return
    points, text = flat_points(entry.get("points")), entry.get("transcription")
    if points is None:
        words.drop("points are not pairs of numbers", source, item)
    elif not isinstance(text, str):
        words.drop("transcription is not a text", source, item)
    else:
        chars = _chars(entry.get("chars"))
        if chars is None:
            place = f"{source} line {item}"
            words.report.drop("char: `chars` is not a list of quads; the word is without them", place)
        words.word(source, item, points, text, entry.get("difficult") is True, chars or ())


def _chars(value: Any) -> list[list[float]] | None:
    """Return the corners of each character, x and y in turn; empty without characters, None if they are wrong."""
    if value is None:
        return []
    boxes = [flat_points(box) for box in value] if isinstance(value, list) else [None]
    good = [box for box in boxes if box is not None and len(box) == 8]
    return good if len(good) == len(boxes) else None
