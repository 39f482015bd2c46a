"""One line of an ICDAR label file.

ICDAR 2015: `x1,y1,x2,y2,x3,y3,x4,y4,text`; the text is everything after the eighth comma. ICDAR 2013:
`left, top, right, bottom, "text"`, parted by commas or by spaces; quotes within the text are written as `\\"`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_RECTANGLE = re.compile(r"\s*([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)[\s,]+([^\s,]+)(?:\s*,\s*|\s+)(.*)", re.DOTALL)


class MalformedLineError(Exception):
    """Says what is wrong with a line."""


def parse_icdar2015(line: str) -> tuple[list[float], str]:
    """Return x and y of the four corners, as written, and the text of a line.

    Raises:
        MalformedLineError: the line is not of this format.
    """
    fields = line.split(",", 8)
    if len(fields) < 9:
        raise MalformedLineError("not 8 numbers and a text, parted by commas")
    return _numbers(fields[:8]), _clean(fields[8])


def parse_icdar2013(line: str) -> tuple[list[float], str]:
    """Return x and y of the rectangle's corners, clockwise, and the text of a line; raises as `parse_icdar2015`."""
    match = _RECTANGLE.fullmatch(line)
    if match is None:
        raise MalformedLineError("not 4 numbers and a text, parted by commas or spaces")
    left, top, right, bottom = _numbers(match.groups()[:4])
    if right < left or bottom < top:
        raise MalformedLineError("its right or lower edge comes before the other one")
    text = match[5].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
    return [left, top, right, top, right, bottom, left, bottom], _clean(text)


def _numbers(fields: Sequence[str]) -> list[float]:
    try:
        return [float(field) for field in fields]
    except ValueError:
        raise MalformedLineError("a coordinate is not a number") from None


def _clean(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
