"""Datasets in the form of the ICDAR competitions: a folder of images and a folder with a text file for each.

ICDAR 2015: `x1,y1,x2,y2,x3,y3,x4,y4,text`; the text is everything after the eighth comma. ICDAR 2017 MLT has the name
of the script before the text. ICDAR 2013: `left, top, right, bottom, "text"`, separated by commas or by spaces;
quotes within the text are written as `\\"`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from config.schema.word_datasets import IcdarDataset, named_for
from data.readers.label_files import MalformedLineError, line_parser, open_label_files
from data.readers.word_reader import WordReader

_RECTANGLE = re.compile(r"\s*([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)(?:\s*,\s*|\s+)(.*)", re.DOTALL)


def open_icdar(config: IcdarDataset) -> WordReader:
    """Open folders of ICDAR 2013, 2015 or 2017 MLT; see `label_files.open_label_files`."""
    parsers = {"icdar2013": parse_icdar2013, "icdar2015": parse_icdar2015, "icdar2017_mlt": parse_icdar2017_mlt}
    return open_label_files(named_for("test")(config), line_parser(parsers[config.format]))


def parse_icdar2015(line: str) -> tuple[list[float], str]:
    """Return x and y of the four corners, as written, and the text of a line.

    Raises:
        MalformedLineError: the line is not of this format.
    """
    fields = line.split(",", 8)
    if len(fields) < 9:
        raise MalformedLineError("not 8 numbers and a text, separated by commas", shortened(line))
    return numbers(fields[:8]), fields[8]


def parse_icdar2017_mlt(line: str) -> tuple[list[float], str]:
    """Return x and y of the four corners and the text of a line; raises as `parse_icdar2015`."""
    fields = line.split(",", 9)
    if len(fields) < 10:
        raise MalformedLineError("not 8 numbers, a script and a text, separated by commas", shortened(line))
    return numbers(fields[:8]), fields[9]


def parse_icdar2013(line: str) -> tuple[list[float], str]:
    """Return x and y of the rectangle's corners, clockwise, and the text of a line; raises as `parse_icdar2015`."""
    match = _RECTANGLE.fullmatch(line)
    if match is None:
        raise MalformedLineError("not 4 numbers and a text, separated by commas or spaces", shortened(line))
    left, top, right, bottom = numbers(match.groups()[:4])
    if right < left or bottom < top:
        raise MalformedLineError("its right or lower edge comes before the other one", parsed=True)
    text = match[5].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return [left, top, right, top, right, bottom, left, bottom], text


def numbers(fields: Sequence[str]) -> list[float]:
    """Return the fields as numbers, or raise `MalformedLineError` that names the one that is not a number."""
    try:
        return [float(field) for field in fields]
    except ValueError:
        wrong = next(field for field in fields if not is_number(field))
        raise MalformedLineError("a coordinate is not a number", shortened(wrong.strip())) from None


def is_number(field: str) -> bool:
    """Tell whether `float` can read the field."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def shortened(text: str) -> str:
    """Return the beginning of a text, quoted, for a message."""
    text = text.strip()
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
