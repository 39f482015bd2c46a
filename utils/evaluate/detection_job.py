"""The job behind `eval.py`: evaluates the entries under `test` of a configuration and keeps the results."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

from config.errors import UserError, nearest
from config.schema.detection import DetectionConfig
from config.schema.recognition import RecognitionConfig
from metrics.detection_iou import Counts
from utils.draw.boxes import draw_detections
from utils.draw.maps import overlay_heat
from utils.draw.picture_file import picture_path, save_picture
from utils.draw.sheet import beside
from utils.evaluate.contact_sheet import ContactSheet
from utils.evaluate.detector import DetectionResult, ImageOutcome, evaluate_detector
from utils.evaluate.results import format_table, image_lines, summary, sweep_values, write_results
from utils.evaluate.sweep import ThresholdSweep
from utils.files import sha256
from utils.run.paths import run_folder

log = logging.getLogger(__name__)


def find_checkpoint(config: DetectionConfig | RecognitionConfig, given: str | None) -> Path:
    """Return the weights to evaluate: those given, else `trained_model`, else the run's best, else its last.

    Raises:
        UserError: there is no such file.
    """
    if given or config.trained_model:
        path = Path(given or str(config.trained_model))
        source = "--checkpoint" if given else "trained_model"
        if not path.is_file():
            raise UserError(f"{path}: there is no such file; check {source}")
        return path
    folder = run_folder(config)
    path = folder.best
    if not path.is_file() and folder.last.is_file():
        log.info("%s: the run was not evaluated so far, so its last checkpoint is taken", folder.last)
        return folder.last
    if not path.is_file():
        program = "trainSynth.py" if config.task == "detection" else "train.py"
        raise UserError(
            f"{path}: this run has no checkpoint yet; make one with "
            f"`python {program} --yaml {config.name}`, or name another with --checkpoint"
        )
    return path


def select_tests(config: DetectionConfig | RecognitionConfig, name: str | None) -> dict[str, Any]:
    """Return the entries to evaluate.

    Raises:
        UserError: there is none, or none of that name.
    """
    if not config.test:
        raise UserError("the configuration has no entry under `test`; add one, or give test.NAME.dataset.root=FOLDER")
    if name is None:
        return dict(config.test)
    if name not in config.test:
        like = nearest(name, config.test)
        hint = f"did you mean '{like}'" if like else f"there are: {', '.join(config.test)}"
        raise UserError(f"--test {name}: there is no such entry under `test` ({hint})")
    return {name: config.test[name]}


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
        checkpoint: path of the weights; None as in `find_checkpoint`.
        test: name of a single entry.
        draw: path of a contact sheet; with several tests their names are put into it.
        sweep: also score a grid of thresholds, and show the best of them beside the fixed ones.

    Raises:
        UserError: weights, data or names are not as they should be.
    """
    from data.readers import open_dataset
    from utils.device import resolve_amp, resolve_device
    from utils.run.checkpoint import load_detector

    tests = select_tests(config, test)
    path = find_checkpoint(config, checkpoint)
    sheet_path = None if draw is None else picture_path("--draw", draw)
    device = resolve_device(config.device)
    amp = resolve_amp(config.amp, device)
    model, preprocess = load_detector(path, config, device)
    digest = sha256(path)
    rows: dict[str, Counts] = {}
    for name, settings in tests.items():
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

        result = evaluate_detector(model, reader, settings, preprocess, device, amp, on_image=on_image)
        folder = run_folder(config).root / "eval" / safe_name(name)
        values = summary(result, settings, str(path), digest)
        rows[name] = result.counts
        if thresholds is not None:
            best = thresholds.best(result)
            values["sweep"] = sweep_values(thresholds.points(result), best)
            rows[f"  best: text {best.text_threshold:g}, low {best.low_text:g}"] = best.counts
        written = write_results(folder, values, image_lines(result))
        log.info("%s: %s", name, written)
        if sheet is not None and sheet_path is not None:
            target = sheet_path if len(tests) == 1 else with_name(sheet_path, name)
            save_picture(target, sheet.render(_title(name, result)))
            log.info("%s: %s", name, target)
    return format_table(rows)


def save_drawing(folder: Path, outcome: ImageOutcome) -> None:
    """Draw one image at full size, its detections on the left and its region map on the right."""
    sample = outcome.sample
    picture = draw_detections(
        sample.image,
        sample.word_quads,
        sample.ignore,
        outcome.detections.polygons,
        [detection for _, detection in outcome.record.pairs],
        outcome.record.ignored,
    )
    over = overlay_heat(sample.image, outcome.region, outcome.matrix)
    save_picture(folder / f"{safe_name(sample.sample_id)}.jpg", beside([picture, over]))


def safe_name(name: str) -> str:
    """Return a name that is a single file name on every system."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".") or "_"


def with_name(path: Path, name: str) -> Path:
    """Return a path with a name put before its suffix."""
    return path.with_name(f"{path.stem}_{safe_name(name)}{path.suffix}")


def _title(name: str, result: DetectionResult) -> str:
    return f"{name}   precision {result.precision:.3f}   recall {result.recall:.3f}   hmean {result.hmean:.3f}"
