"""Scores the zip archives that detection competitions exchange: ground truth on one side, a submission on the other.

Ground truth, one `gt_NAME.txt` for each image, one word a line:

    icdar2015   x1,y1,x2,y2,x3,y3,x4,y4,text
    icdar2013   left, top, right, bottom, "text"        commas or spaces
    polygon     x1,y1,...,xn,yn,text                    Total-Text, three or more points

A submission holds `res_NAME.txt` with the same coordinates; what follows them (a score, a text) is not read. Words
with the text `###` (in polygon files also `#`) are "don't care". The competition's script cuts the coordinates of
rectangles and quadrilaterals to whole numbers, and so does this file; polygons keep their fractions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from config.errors import UserError
from metrics.archive import text_members
from metrics.detection import DEFAULT_IOU, DEFAULT_PROTOCOL, DetectionMetric, detection_metric

log = logging.getLogger(__name__)

Layout = Literal["icdar2015", "icdar2013", "polygon"]
LAYOUTS: tuple[Layout, ...] = ("icdar2015", "icdar2013", "polygon")

MAX_COORDINATE = 1e7
_NUMBER = re.compile(r"\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?\s*")
_QUOTED = re.compile(r'\s*"(.*)"\s*', re.DOTALL)
_RECTANGLE = re.compile(r"\s*([^,\s]+)[,\s]+([^,\s]+)[,\s]+([^,\s]+)[,\s]+([^,\s]+?)(?:\s*,\s*|\s+|$)(.*)", re.DOTALL)


@dataclass
class GroundTruth:
    """The words of one image: polygons float64 [P, 2], their texts, and which are "don't care"."""

    polygons: list[np.ndarray] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    ignore: list[bool] = field(default_factory=list)


@dataclass(frozen=True)
class _Line:
    """A line of an archive, and its name in messages."""

    place: str
    text: str


def read_ground_truth(path: str | Path, layout: Layout | None = None) -> tuple[dict[str, GroundTruth], Layout]:
    """Read a ground-truth archive.

    Args:
        path: the zip.
        layout: format of its lines; None guesses it from all of them.

    Returns:
        Image name (`gt_` and `.txt` removed) -> its words, and the layout.

    Raises:
        UserError: the archive or one of its lines cannot be read.
    """
    files = _read_files(path, "gt_")
    layout = layout or guess_layout([line.text for lines in files.values() for line in lines])
    truth: dict[str, GroundTruth] = {}
    empty = []
    for name, lines in files.items():
        words = truth[name] = GroundTruth()
        for line in lines:
            polygon, text = _parse(line, layout, has_text=True)
            ignore = text == "###" or (layout == "polygon" and text == "#")
            if len(polygon) < 3:
                if not ignore:
                    raise UserError(f"{line.place}: a word of {len(polygon)} points; a polygon has three or more")
                empty.append(line.place)  # no area, so it can neither hide a detection nor be missed
                continue
            words.polygons.append(polygon)
            words.texts.append(text)
            words.ignore.append(ignore)
    if empty:
        log.warning("skipped %d don't-care regions of fewer than three points (e.g. %s)", len(empty), empty[0])
    return truth, layout


def read_detections(path: str | Path, layout: Layout) -> dict[str, list[np.ndarray]]:
    """Read a submission: image name (`res_` and `.txt` removed) -> polygons float64 [P, 2].

    Raises:
        UserError: the archive or one of its lines cannot be read.
    """
    return {
        name: [_parse(line, layout, has_text=False)[0] for line in lines]
        for name, lines in _read_files(path, "res_").items()
    }


def score_submission(
    submission: str | Path,
    ground_truth: str | Path,
    *,
    protocol: str = DEFAULT_PROTOCOL,
    iou: float = DEFAULT_IOU,
    layout: Layout | None = None,
) -> tuple[DetectionMetric, Layout]:
    """Score a submission. An image without a file in the submission counts as an image without detections.

    Raises:
        UserError: there is no such protocol, an archive cannot be read, or the submission names an image that the
            ground truth lacks.
    """
    metric = detection_metric(protocol, iou, {}, "--protocol")
    truth, layout = read_ground_truth(ground_truth, layout)
    detections = read_detections(submission, layout)
    unknown = [name for name in detections if name not in truth]
    if unknown:
        raise UserError(
            f"{submission}: {len(unknown)} of its {len(detections)} images are not among the {len(truth)} of "
            f"{ground_truth}, the first is '{unknown[0]}'; there the names are such as '{next(iter(truth))}'"
        )
    absent = len(truth) - len(detections)
    if absent:
        log.warning("%s: no file for %d of %d images; they count as without detections", submission, absent, len(truth))
    for name, words in truth.items():
        metric.update(name, words.polygons, words.ignore, detections.get(name, []), texts=words.texts)
    return metric, layout


def guess_layout(lines: list[str]) -> Layout:
    """Guess the layout of ground-truth lines from the number of coordinates at their beginning.

    In some lines the text itself is a number, so a few lines with more numbers do not decide.
    """
    counts = [_coordinate_count(line.split(",")) for line in lines]
    if sum(count == 6 or count >= 10 for count in counts) > 0.02 * len(counts):
        return "polygon"
    return "icdar2015" if 2 * sum(count == 8 for count in counts) >= len(counts) else "icdar2013"


def _read_files(path: str | Path, prefix: str) -> dict[str, list[_Line]]:
    """Return image name -> non-empty lines."""
    files: dict[str, list[_Line]] = {}
    for member, text in text_members(path):
        name = PurePosixPath(member.replace("\\", "/")).stem.removeprefix(prefix)
        if name in files:
            raise UserError(f"{path}: holds two files for the image '{name}', one of them {member}; keep one")
        files[name] = list(_lines(f"{path}: {member}", text))
    if not files:
        raise UserError(f"{path}: holds no .txt file; expected one {prefix}NAME.txt for each image")
    return files


def _lines(place: str, text: str) -> Iterator[_Line]:
    # Not splitlines(): it would split a transcription at further characters.
    for line_number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _Line(f"{place} line {line_number}", line.rstrip("\r"))


def _run(fields: list[str]) -> int:
    """Return how many fields at the beginning are numbers."""
    return next((index for index, value in enumerate(fields) if not _NUMBER.fullmatch(value)), len(fields))


def _coordinate_count(fields: list[str]) -> int:
    """Return how many fields of a line that ends in a text are coordinates: an even number, without the text."""
    run = _run(fields)
    return (run - 1 if run == len(fields) else run) // 2 * 2


def _parse(line: _Line, layout: Layout, *, has_text: bool) -> tuple[np.ndarray, str]:
    """Return a line's polygon, float64 [P, 2], and its text."""
    if layout == "icdar2013":
        fields = _rectangle_fields(line.text, has_text)
    else:
        fields = line.text.split(",")
        if not has_text and len(fields) == 1:
            fields = line.text.split()
    if layout == "polygon":
        count = _coordinate_count(fields) if has_text else _run(fields) // 2 * 2
    elif has_text:
        count = 4 if layout == "icdar2013" else 8
    else:
        count = _submitted_count(line, _run(fields), layout)
    if _run(fields[:count]) < count or count == 0 or (not has_text and count < 4):
        raise UserError(f"{line.place}: expected {_EXPECTED[layout]}, found {line.text[:80]!r}")
    values = np.array([float(value) for value in fields[:count]])
    if np.abs(values).max() > MAX_COORDINATE:
        raise UserError(f"{line.place}: a coordinate beyond ±{MAX_COORDINATE:.0f} in {line.text[:80]!r}")
    if layout != "polygon":
        values = np.trunc(values)
    if count == 4 and (layout != "polygon" or not has_text):
        left, top, right, bottom = values
        values = np.array([left, top, right, top, right, bottom, left, bottom])
    return values.reshape(-1, 2), _unquoted(",".join(fields[count:]))


_EXPECTED = {
    "icdar2015": "x1,y1,x2,y2,x3,y3,x4,y4",
    "icdar2013": "left, top, right, bottom",
    "polygon": "x1,y1,...,xn,yn",
}


def _rectangle_fields(text: str, has_text: bool) -> list[str]:
    """Split an ICDAR 2013 line, whose separators are commas or spaces; a transcription stays in one piece."""
    if not has_text:
        return re.split(r"\s*,\s*|\s+", text.strip())
    match = _RECTANGLE.fullmatch(text)
    return list(match.groups()) if match else [text]


def _submitted_count(line: _Line, run: int, layout: Layout) -> int:
    """Return how many numbers of a submitted line are coordinates: 8, or 4 for a rectangle."""
    if run >= 12:  # two of score and text may follow a quadrilateral as numbers, but not four
        raise UserError(f"{line.place}: a polygon of {run // 2} points, but the ground truth has {layout} boxes")
    if layout == "icdar2013" and run in (4, 5):
        return 4
    return 8


def _unquoted(text: str) -> str:
    """Remove the quotes around a transcription and the backslashes inside it."""
    match = _QUOTED.fullmatch(text)
    return re.sub(r"\\([\\\"])", r"\1", match.group(1)) if match else text
