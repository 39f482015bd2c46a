"""The conditions for labels, and the reasons in reports: the same for all formats."""

from __future__ import annotations

from data.graphemes import nfc
from data.reader import DropReport

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
