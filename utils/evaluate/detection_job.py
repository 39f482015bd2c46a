"""The job behind `eval.py` for a detector: evaluates the entries under `test` and writes the results."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from config.schema.detection import DetectionConfig
from metrics.detection import Counts, metric_of
from utils.evaluate.contact_sheet import ContactSheet, save_drawing
from utils.evaluate.detector import ImageOutcome, evaluate_detector
from utils.evaluate.job import EvaluationJob, safe_name
from utils.evaluate.results import format_table, image_lines, summary, sweep_values
from utils.evaluate.sweep import ThresholdSweep


def evaluate(
    config: DetectionConfig,
    *,
    checkpoint: str | None = None,
    test: str | None = None,
    draw: str | None = None,
    sweep: bool = False,
) -> str:
    """Evaluate a configuration's tests, write their results, and return a table of the scores.

    Args:
        config: the job.
        checkpoint, test: weights and entry, see `EvaluationJob`.
        draw: path of a contact sheet.
        sweep: also score a grid of thresholds, and show the best of them beside the fixed ones.

    Raises:
        UserError: weights, data or names are missing or do not fit.
    """
    from data.readers import open_dataset
    from utils.run.checkpoint import load_detector

    job = EvaluationJob(config, checkpoint, test, draw)
    for name, settings in job.tests.items():
        metric_of(settings, name)  # A mistake in any protocol is reported before the first evaluation.
    model, preprocess = load_detector(job.checkpoint, config, job.device, content=job.read_weights())
    rows: dict[str, Counts] = {}
    for name, settings in job.tests.items():
        reader = open_dataset(settings.dataset)
        sheet = ContactSheet(len(reader)) if draw else None
        pictures = Path(config.vis_test_dir) / safe_name(name) if settings.vis_opt else None
        thresholds = ThresholdSweep(settings) if sweep else None

        def on_image(outcome: ImageOutcome, sheet=sheet, pictures=pictures, thresholds=thresholds) -> None:
            if sheet is not None:
                sheet.add(outcome)
            if pictures is not None:
                save_drawing(pictures, outcome)
            if thresholds is not None:
                thresholds.add(outcome)

        result = evaluate_detector(model, reader, settings, preprocess, job.device, job.amp, on_image=on_image)
        values = summary(result, settings, str(job.checkpoint), job.checkpoint_sha256)
        rows[name] = result.counts
        if thresholds is not None:
            best = thresholds.best(result)
            values["sweep"] = sweep_values(thresholds.points(result), best)
            rows[f"  best: text {best.text_threshold:g}, low {best.low_text:g}"] = best.counts
        counts = result.counts
        title = f"{name}   precision {counts.precision:.3f}   recall {counts.recall:.3f}   hmean {counts.hmean:.3f}"
        picture = partial(sheet.render, title) if sheet is not None else None
        job.keep(name, values, image_lines(result), picture)
    return format_table(rows)
