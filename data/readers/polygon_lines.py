"""Total-Text and SCUT-CTW1500: a text file for each image with polygons of any number of points.

Total-Text (Ch'ng and Chan, ICDAR 2017) is published in two forms. `x1,y1,...,xn,yn,TEXT`, one word a line, and
`x: [[x1 ... xn]], y: [[y1 ... yn]], ornt: [u'c'], transcriptions: [u'TEXT']`, where the numbers may run over several
lines; the orientation `#` marks "don't care", and a text that has a comma in it may be a list of its parts.
SCUT-CTW1500 (Liu et al., 2017) writes `x1,y1,...,xn,yn,####TEXT`.
"""

from __future__ import annotations

import ast
import re

from config.schema.word_datasets import PolygonDataset
from data.readers.icdar import is_number, numbers, shortened
from data.readers.label_files import (
    FileParser,
    MalformedLineError,
    line_parser,
    numbered_lines,
    open_label_files,
    take_lines,
)
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

_RECORD = re.compile(
    r"x:\s*\[+([^\]]*)\]+\s*,\s*y:\s*\[+([^\]]*)\]+\s*,\s*ornt:\s*\[([^\]]*)\]\s*,\s*transcriptions:\s*(\[.*\])\s*",
    re.DOTALL,
)
_CTW_MARK = "####"


def open_polygons(config: PolygonDataset) -> WordReader:
    """Open folders of Total-Text, in either form, or SCUT-CTW1500; see `label_files.open_label_files`."""
    parse: FileParser = line_parser(parse_ctw1500) if config.format == "ctw1500" else parse_totaltext_file
    return open_label_files(config, parse)


def parse_totaltext_file(data: bytes, name: str, words: WordBuilder) -> tuple[int, tuple[int, int]]:
    """Pass on the words of a Total-Text file of either form; a `label_files.FileParser`."""
    if not data.lstrip().startswith(b"x:"):
        return line_parser(parse_totaltext)(data, name, words)
    records: list[tuple[int, bytes]] = []
    for line_number, line in numbered_lines(data):
        if line.lstrip().startswith(b"x:") or not records:
            records.append((line_number, line))
        else:
            first, begun = records[-1]
            records[-1] = first, begun + b" " + line
    take_lines(records, parse_record, name, words)
    return len(records), (0, 0)


def parse_totaltext(line: str) -> tuple[list[float], str]:
    """Return the points' coordinates and the text of a line `x1,y1,...,xn,yn,TEXT`.

    The points are the longest run of an even count of numbers that leaves something for the text:
    `1,2,3,4,5,6,7,8,1996` is a quad whose text is a number, and a text such as `12,500` is kept whole.

    Raises:
        MalformedLineError: the line is not of this format.
    """
    fields = line.split(",")
    count = next((k for k, field in enumerate(fields) if not is_number(field)), len(fields))
    count = min(count, len(fields) - 1) // 2 * 2
    # If more numbers follow the field that ends the run, that field is a wrong number and not the text.
    rest = fields[count:]
    if count < 2 or (sum(map(is_number, rest)) > 2 and len(rest) > 3):
        wrong = next((field for field in rest if not is_number(field)), "")
        raise MalformedLineError("not pairs of numbers and a text, separated by commas", shortened(wrong))
    return numbers(fields[:count]), ",".join(rest)


def parse_ctw1500(line: str) -> tuple[list[float], str]:
    """Return the points' coordinates and the text of a line `x1,y1,...,xn,yn,####TEXT`; raises as `parse_totaltext`."""
    points, mark, text = line.partition(f",{_CTW_MARK}")
    if not mark:
        raise MalformedLineError("not pairs of numbers and a text that begins with ####", shortened(line))
    fields = points.split(",")
    if len(fields) % 2:
        raise MalformedLineError("an odd number of coordinates", str(len(fields)))
    return numbers(fields), text


def parse_record(record: str) -> tuple[list[float], str, bool]:
    """Return the points' coordinates, the text, and whether it is "don't care", of a record `x: [[...]], y: ...`.

    Raises:
        MalformedLineError: the record is not of this form.
    """
    match = _RECORD.fullmatch(record.strip())
    if match is None:
        raise MalformedLineError("not x, y, ornt and transcriptions", shortened(record))
    xs, ys = (numbers(match[k].replace(",", " ").split()) for k in (1, 2))
    if len(xs) != len(ys):
        raise MalformedLineError("x and y differ in number", f"{len(xs)} and {len(ys)}")
    try:
        parts = ast.literal_eval(match[4])
    except (ValueError, SyntaxError):
        parts = None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise MalformedLineError("transcriptions is not a list of texts", shortened(match[4]))
    coordinates = [value for point in zip(xs, ys, strict=True) for value in point]
    return coordinates, ",".join(parts), "#" in match[3]
