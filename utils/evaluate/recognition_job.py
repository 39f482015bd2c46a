"""The job behind `eval.py` for a recogniser: evaluates the entries under `test` and keeps the results."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from config.schema.recognition import RecognitionConfig
from data.reader import UnreadableSample
from data.recognition.alphabet_filter import LabelRule
from data.recognition.readers import open_words
from metrics.recognition import WordCounts
from utils.decode.words import WordDecoding
from utils.device import resolve_amp, resolve_device
from utils.draw.picture_file import picture_path, save_picture
from utils.draw.readings import draw_readings
from utils.evaluate.detection_job import find_checkpoint, safe_name, select_tests, with_name
from utils.evaluate.recognizer import RecognitionResult, WordReading, evaluate_recognizer
from utils.evaluate.results import aligned, write_results
from utils.files import sha256
from utils.run.paths import run_folder
from utils.weights.recognizer import load_recognizer

log = logging.getLogger(__name__)

DRAWN = 48
COLUMNS = {
    "word_accuracy": "accuracy",
    "word_accuracy_insensitive": "any case",
    "word_accuracy_alphanumeric": "a-z0-9",
    "cer": "CER",
    "norm_edit_distance": "1-NED",
}


def evaluate_words(
    config: RecognitionConfig, *, checkpoint: str | None = None, test: str | None = None, draw: str | None = None
) -> str:
    """Evaluate a configuration's tests, write their results, and return a table of the scores.

    Args:
        config: the job.
        checkpoint: path of the weights; None as in `find_checkpoint`.
        test: name of a single entry.
        draw: path of a sheet of words with their readings.

    Raises:
        UserError: weights, data or names are not as they should be.
    """
    tests = select_tests(config, test)
    path = find_checkpoint(config, checkpoint)
    sheet_path = None if draw is None else picture_path("--draw", draw)
    device = resolve_device(config.device)
    amp = resolve_amp(config.amp, device)
    model, alphabet, preprocess = load_recognizer(path, config, device)
    digest = sha256(path)
    fold = LabelRule(alphabet, config.case, config.unknown).fold
    rows: dict[str, WordCounts] = {}
    for name, settings in tests.items():
        reader = open_words(settings.dataset)
        decoding = WordDecoding.of(settings, alphabet, fold)
        reading = WordReading(model, alphabet, preprocess, device, amp, decoding)
        result = evaluate_recognizer(reading, reader, settings, fold=fold, name=name)
        rows[name] = result.counts
        values = {
            **result.counts.results(),
            "protocol": settings.protocol,
            "decode": settings.decode,
            "lexicon": settings.lexicon,
            "checkpoint": str(path),
            "checkpoint_sha256": digest,
            "unreadable": len(result.unreadable),
            "seconds": round(result.seconds, 3),
            "confusions": [one._asdict() for one in result.metric.confusions(20)],
        }
        written = write_results(run_folder(config).root / "eval" / safe_name(name), values, word_lines(result))
        log.info("%s: %s", name, written)
        if sheet_path is not None:
            target = sheet_path if len(tests) == 1 else with_name(sheet_path, name)
            save_picture(target, _sheet(reader, result, fold))
            log.info("%s: %s", name, target)
    return format_words(rows)


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


def format_words(rows: dict[str, WordCounts]) -> str:
    """Return aligned lines, one for each dataset, under a heading."""
    cells = [("dataset", "words", *COLUMNS.values())]
    for name, counts in rows.items():
        values = counts.results()
        cells.append((name, f"{values['words']:,}", *(f"{values[column]:.4f}" for column in COLUMNS)))
    return aligned(cells)


def _sheet(reader: Any, result: RecognitionResult, fold: Any) -> np.ndarray:
    images, texts, readings = [], [], []
    for index in np.linspace(0, len(reader) - 1, min(DRAWN, len(reader))).astype(int).tolist():
        try:
            sample = reader[index]
        except UnreadableSample:
            continue
        images.append(sample.image)
        texts.append(fold(sample.text))
        readings.append(result.readings[sample.sample_id].text)
    return draw_readings(images, texts, readings)
