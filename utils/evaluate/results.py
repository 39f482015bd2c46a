"""The output of an evaluation: `results.json`, one line for each image or word, and a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from config.schema.detection import DetectionTest
from config.schema.recognition import RecognitionTest
from metrics.detection import Counts, metric_of
from utils.files import write_text

if TYPE_CHECKING:  # the table is also printed by a job that does without torch
    from metrics.recognition import WordCounts
    from utils.evaluate.detector import DetectionResult
    from utils.evaluate.recognizer import RecognitionResult
    from utils.evaluate.sweep import SweepPoint

RESULTS_FILE = "results.json"
IMAGES_FILE = "images.jsonl"
_WORD_COLUMNS = {
    "word_accuracy": "accuracy",
    "word_accuracy_insensitive": "any case",
    "word_accuracy_alphanumeric": "a-z0-9",
    "cer": "CER",
    "norm_edit_distance": "1-NED",
}


def summary(
    result: DetectionResult, test: DetectionTest, checkpoint: str | None, checkpoint_sha256: str | None
) -> dict[str, Any]:
    """Return the content of `results.json`: the score and everything needed to reproduce it."""
    metric = metric_of(test)
    return {
        **score(result.counts),
        "protocol": metric.name,
        "thresholds": {
            "text_threshold": test.text_threshold,
            "low_text": test.low_text,
            "link_threshold": test.link_threshold,
            **metric.thresholds,
        },
        "canvas_size": test.canvas_size,
        "mag_ratio": test.mag_ratio,
        "poly": test.poly,
        **_origin(result, checkpoint, checkpoint_sha256),
    }


def word_summary(
    result: RecognitionResult, test: RecognitionTest, checkpoint: str, checkpoint_sha256: str
) -> dict[str, Any]:
    """Return the content of `results.json` for a recogniser."""
    return {
        **result.counts.results(),
        "protocol": test.protocol,
        "decode": test.decode,
        "lexicon": test.lexicon,
        **_origin(result, checkpoint, checkpoint_sha256),
        "confusions": [confusion._asdict() for confusion in result.metric.confusions(20)],
    }


def _origin(
    result: DetectionResult | RecognitionResult, checkpoint: str | None, checkpoint_sha256: str | None
) -> dict[str, Any]:
    return {
        "checkpoint": checkpoint,
        "checkpoint_sha256": checkpoint_sha256,
        "unreadable": len(result.unreadable),
        "seconds": round(result.seconds, 3),
    }


def rounded(points: np.ndarray) -> list[list[float]]:
    """Return points, float [P, 2], with two digits after the decimal point, as JSON holds them."""
    return points.round(2).astype(float).round(2).tolist()


def score(counts: Counts) -> dict[str, Any]:
    """Return precision, recall, hmean and the counts they come from."""
    names = ("precision", "recall", "hmean", "images", "gt_care", "det_care", "matched")
    return {name: getattr(counts, name) for name in names}


def sweep_values(points: Sequence[SweepPoint], best: SweepPoint) -> dict[str, Any]:
    """Return what `results.json` says of a threshold sweep: the best pair, and the score at every one."""

    def row(point: SweepPoint) -> dict[str, Any]:
        return {"text_threshold": point.text_threshold, "low_text": point.low_text, **score(point.counts)}

    return {"best": row(best), "points": [row(point) for point in points]}


def image_lines(result: DetectionResult) -> list[dict[str, Any]]:
    """Return one object for each image: its counts, the matched pairs, and the detections with their scores."""
    lines = []
    for name, record in result.records.items():
        found = result.detections.get(name)
        lines.append(
            {
                "sample_id": name,
                "gt_care": record.counts.gt_care,
                "det_care": record.counts.det_care,
                "matched": record.counts.matched,
                "pairs": [list(pair) for pair in record.pairs],
                "ignored": list(record.ignored),
                "readable": found is not None,
                "detections": [
                    {"points": rounded(polygon), "score": round(float(value), 4)}
                    for polygon, value in zip(found.polygons, found.scores, strict=True)
                ]
                if found is not None
                else [],
            }
        )
    return lines


def word_lines(result: RecognitionResult) -> list[dict[str, Any]]:
    """Return one object for each word: label, reading and confidence."""
    lines = []
    for name, record in result.metric.records.items():
        reading = result.readings.get(name)
        lines.append(
            {
                "sample_id": name,
                "text": record.reference,
                "reading": reading.text if reading is not None else None,
                "confidence": round(reading.confidence, 4) if reading is not None else None,
                "right": record.right,
            }
        )
    return lines


def write_results(folder: Path, values: Mapping[str, Any], lines: Sequence[Mapping[str, Any]] = ()) -> Path:
    """Write `results.json`, and `images.jsonl` where there are lines; return the path of the former."""
    if lines:
        write_text(folder / IMAGES_FILE, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    path = folder / RESULTS_FILE
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")
    return path


def format_table(rows: Mapping[str, Counts]) -> str:
    """Return aligned lines, one for each dataset, under a heading."""
    heading = ("dataset", "images", "words", "detections", "matched", "precision", "recall", "hmean")
    cells = [heading]
    for name, counts in rows.items():
        numbers = (counts.images, counts.gt_care, counts.det_care, counts.matched)
        ratios = (counts.precision, counts.recall, counts.hmean)
        cells.append((name, *(f"{value:,}" for value in numbers), *(f"{ratio:.4f}" for ratio in ratios)))
    return _ruled(cells)


def format_words(rows: Mapping[str, WordCounts]) -> str:
    """Return aligned lines, one for each dataset, under a heading."""
    cells = [("dataset", "words", *_WORD_COLUMNS.values())]
    for name, counts in rows.items():
        values = counts.results()
        cells.append((name, f"{values['words']:,}", *(f"{values[column]:.4f}" for column in _WORD_COLUMNS)))
    return _ruled(cells)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Return the aligned lines of a table: the first columns aligned to the left, the others to the right.

    Args:
        header: names of the columns.
        rows: the cells of each row, as many as the header has.
        text_columns: number of columns that are aligned to the left.
    """
    whole = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in whole) for column in range(len(header))]
    lines = []
    for row in whole:
        cells = [
            cell.ljust(width) if column < text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def _ruled(cells: Sequence[Sequence[str]]) -> str:
    """Return a heading, a rule and rows as lines."""
    lines = table(cells[0], cells[1:])
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
