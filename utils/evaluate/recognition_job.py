"""The job behind `eval.py` for a recogniser: evaluates the entries under `test` and writes the results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from config.schema.recognition import RecognitionConfig
from data.reader import UnreadableSample
from data.recognition.alphabet_filter import LabelRule
from data.recognition.readers import open_words
from data.recognition.sample import WordReader
from metrics.protocols import protocol
from metrics.recognition import WordCounts
from utils.decode.words import WordDecoding
from utils.draw.readings import draw_readings
from utils.evaluate.job import EvaluationJob
from utils.evaluate.recognizer import RecognitionResult, WordReading, evaluate_recognizer
from utils.evaluate.results import format_words, word_lines, word_summary
from utils.weights.recognizer import load_recognizer

DRAWN = 48


def evaluate_words(
    config: RecognitionConfig, *, checkpoint: str | None = None, test: str | None = None, draw: str | None = None
) -> str:
    """Evaluate a configuration's tests, write their results, and return a table of the scores.

    Args:
        config: the job.
        checkpoint, test: weights and entry, see `EvaluationJob`.
        draw: path of a sheet of words with their readings.

    Raises:
        UserError: weights, data or names are missing or do not fit.
    """
    job = EvaluationJob(config, checkpoint, test, draw)
    for name, settings in job.tests.items():
        protocol(settings.protocol, f"test.{name}.protocol")
    model, head, preprocess = load_recognizer(job.checkpoint, config, job.device, content=job.read_weights())
    fold = LabelRule(head.alphabet, config.case, config.unknown).fold
    rows: dict[str, WordCounts] = {}
    for name, settings in job.tests.items():
        reader = open_words(settings.dataset)
        decoding = WordDecoding.of(settings, head, fold)
        reading = WordReading(model, preprocess, job.device, job.amp, decoding)
        result = evaluate_recognizer(reading, reader, settings, fold=fold, name=name)
        rows[name] = result.counts
        values = word_summary(result, settings, str(job.checkpoint), job.checkpoint_sha256)
        job.keep(name, values, word_lines(result), partial(_sheet, reader, result, fold) if draw else None)
    return format_words(rows)


def _sheet(reader: WordReader, result: RecognitionResult, fold: Callable[[str], str]) -> np.ndarray:
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
