"""Parsing the lines of label files for pictures of words into path and label."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from data.graphemes import nfc
from data.reader import DropReport
from data.readers.listing import IMAGE_SUFFIXES

_SUFFIXES = "|".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_PATH = re.compile(rf"(.*?\.(?:{_SUFFIXES})) (.*)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r'([^,]+),\s*"(.*)"\s*', re.DOTALL)
_BARE = re.compile(r"([^,]+),\s*(.*)", re.DOTALL)
_IMAGE = re.compile(rf'\s*"?[^"]*\.(?:{_SUFFIXES})"?\s*', re.IGNORECASE)
_CSV_FIELD = r'"((?:[^"]|"")*)"'


@dataclass(frozen=True)
class LabelLine:
    """A line of a label file.

    Attributes:
        line_number: from 1.
        name: path of the picture; empty if the line has another form.
        text: the label.
        fault: what is wrong with the line, or "".
    """

    line_number: int
    name: str = ""
    text: str = ""
    fault: str = ""


def is_image_name(text: str) -> bool:
    """Tell whether a text, quoted or not, ends in the suffix of an image file."""
    return _IMAGE.fullmatch(text) is not None


def choose_separator(lines: Sequence[str]) -> str:
    """Return what separates paths from labels in most of the lines: `tab`, `comma` or `space`."""
    votes = {
        "tab": sum("\t" in line for line in lines),
        "comma": sum(is_image_name(line.partition(",")[0]) for line in lines),
        "space": sum(_PATH.fullmatch(line) is not None for line in lines),
    }
    best = max(votes.values(), default=0)
    # No label has a tab, and a comma directly after an image's name is the separator, even if a blank follows.
    return next(name for name in ("tab", "comma", "space") if votes[name] == best)


def split_tab(line: str) -> tuple[str, str] | None:
    """Return path and label of `PATH<TAB>label`, or None if the line has another form."""
    name, tab, text = line.partition("\t")
    return (name, text) if tab else None


def split_space(line: str) -> tuple[str, str] | None:
    """Return path and label of `PATH label`; the path ends in the suffix of an image or has no space."""
    match = _PATH.fullmatch(line)
    if match is not None:
        return match[1], match[2]
    name, space, text = line.partition(" ")
    return (name, text) if space else None


def split_comma(line: str) -> tuple[str, str] | None:
    r"""Return path and label of `PATH, "label"`, quotes and backslashes within written as `\"` and `\\`.

    Without quotes the label is all that follows the comma and blanks.
    """
    match = _QUOTED.fullmatch(line)
    if match is not None:
        return match[1], re.sub(r'\\(["\\])', r"\1", match[2])
    match = _BARE.fullmatch(line)
    return (match[1], match[2]) if match is not None else None


SPLITTERS: dict[str, Callable[[str], tuple[str, str] | None]] = {
    "tab": split_tab,
    "comma": split_comma,
    "space": split_space,
}


def is_quoted_csv(lines: Sequence[str], mark: str) -> bool:
    """Tell whether these lines of `filename,words` were written with CSV quoting, or without any quoting.

    A CSV writer quotes a label if it contains the separator or a quote, and only then (or quotes all labels), and
    doubles quotes inside. Without quoting there are lines such as `a.jpg,"word"`, `a.jpg,1,000` and `a.jpg,5" pipe`.

    Args:
        lines: without the header.
        mark: the separator of the fields.
    """
    field = re.compile(_CSV_FIELD)
    texts = [line.partition(mark)[2].strip() for line in lines]
    quoted = [field.fullmatch(text) for text in texts]
    if len(lines) > 1 and all(match is not None for match in quoted):
        return True
    for_it = against = 0
    for text, match in zip(texts, quoted, strict=True):
        needs = mark in (match[1] if match else text) or '"' in (match[1] if match else text)
        for_it += match is not None and needs
        against += (match is None) == needs
    return for_it > against


def split_csv(lines: Sequence[tuple[int, str]], mark: str, quoted: bool) -> Iterator[LabelLine]:
    """Parse the lines of a `labels.csv`.

    Args:
        lines: number and text of each, without the header.
        mark: the separator of the fields.
        quoted: quotes are CSV quotes. Otherwise they belong to the label, and white space around the line does not.
    """
    part = re.escape(mark)
    form = re.compile(rf"\s*(?:{_CSV_FIELD}|([^\"{part}]*)){part}(?:{_CSV_FIELD}|([^\"{part}]*))\s*", re.DOTALL)
    for line_number, line in lines:
        if not quoted:
            name, found, text = line.strip().partition(mark)
            fault = "" if found else f"has no '{mark}'"
            yield LabelLine(line_number, fault=fault) if fault else LabelLine(line_number, name.strip(), text)
            continue
        match = form.fullmatch(line)
        if match is None:
            yield LabelLine(line_number, fault=f"is not two fields separated by '{mark}', quoted as a CSV writer does")
            continue
        name, text = (match[k].replace('""', '"') if match[k] is not None else match[k + 1] for k in (1, 3))
        yield LabelLine(line_number, name, text)


MISSING = "word: its image is missing"


def clean_label(text: str, place: str, report: DropReport) -> str | None:
    """Return a label in Unicode's NFC, otherwise unchanged; if it cannot be used, count that and return None.

    Args:
        text: the label in the dataset.
        place: where it is written, for the report.
        report: counts what is left out, and what is odd.
    """
    text = nfc(text)
    if not text or text.isspace():
        report.drop("word: its label is empty" if not text else "word: its label is white space alone", place)
        return None
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            report.drop("word: its label is not valid Unicode", place)
            return None
    if text[0].isspace() or text[-1].isspace():
        report.note("word: its label begins or ends with white space", f"{place}: {text!r}")
    return text


def decoded_label(data: bytes, place: str, report: DropReport) -> str | None:
    """Return a label from its UTF-8 as `clean_label` does."""
    try:
        return clean_label(data.decode(), place, report)
    except UnicodeDecodeError:
        report.drop("word: its label is not UTF-8", place, unparsed=True)
        return None
