"""The job behind `predict.py`: reads images, and writes lines of JSON and drawn pictures."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from config.errors import UserError
from data.io.progress import progress_bar
from utils.device import resolve_device
from utils.draw.picture_file import save_picture
from utils.evaluate.job import safe_name
from utils.files import write_atomically
from utils.predict.drawing import draw_prediction
from utils.predict.images import ImageFiles, find_images
from utils.predict.models import open_detector, open_recognizer
from utils.predict.options import PredictionJob
from utils.predict.predictor import Prediction, Predictor

log = logging.getLogger(__name__)

PREDICTIONS_FILE = "predictions.jsonl"
DRAWN_FOLDER = "drawn"
_NAMED = 20
"""Maximum number of unreadable images that the log names; all of them have an `error` among the predictions."""


def predict(job: PredictionJob, emit: Callable[[str], object]) -> None:
    """Predict and write `predictions.jsonl`, and with `draw` a picture for each image.

    Args:
        job: the options.
        emit: called with each line if no output folder is given.

    Raises:
        UserError: files or options are missing or do not fit, or no image can be read; then `predictions.jsonl` is not
            written.
    """
    job.check()
    paths = find_images(job.images)
    device = resolve_device(job.device)
    detector = recognizer = None
    if job.detector is not None:
        detector = open_detector(job.detector, device, job.amp, job.detection)
    if job.recognizer is not None:
        recognizer = open_recognizer(
            job.recognizer, device, job.amp, yaml=job.yaml, decode=job.decode, lexicon=job.lexicon
        )
    upright = detector is not None and detector.upright if job.upright is None else job.upright
    pictures = ImageFiles(paths, words=detector is None, upright=upright)
    targets = _targets(Path(job.output) / DRAWN_FOLDER, paths) if job.draw and job.output is not None else None
    found = Predictor(detector, recognizer).run(pictures)
    shown = progress_bar(found, len(pictures), "predicting", logged=True)
    lines = _lines(shown, targets)
    if job.output is None:
        for line in lines:
            emit(line)
        return
    target = Path(job.output) / PREDICTIONS_FILE
    write_atomically(target, lambda temporary: _fill(temporary, lines))
    log.info("%s", target)
    if targets is not None:
        log.info("%s: %d pictures", targets[0].parent, sum(path.is_file() for path in targets))


def _lines(predictions: Iterator[Prediction], targets: list[Path] | None) -> Iterator[str]:
    """Draw each prediction and yield its line of JSON; log at the end how many images could not be read.

    Raises:
        UserError: at the end, if no image could be read.
    """
    unreadable: list[str] = []
    total = 0
    for total, prediction in enumerate(predictions, 1):
        if prediction.image is None:
            unreadable.append(f"{prediction.file}: {prediction.error}")
            if len(unreadable) <= _NAMED:
                log.warning("%s", unreadable[-1])
        elif targets is not None:
            save_picture(targets[total - 1], draw_prediction(prediction.image, prediction.words))
        yield json.dumps(prediction.values(), ensure_ascii=False)
    if unreadable and len(unreadable) == total:
        raise UserError(f"none of the {total} images can be read ({unreadable[0]})")
    if unreadable:
        log.warning("%d of %d images cannot be read; the others are done", len(unreadable), total)


def _fill(path: Path, lines: Iterator[str]) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")


def _targets(folder: Path, paths: list[Path]) -> list[Path]:
    """Return the path of the picture of each image; images of the same name in several folders get numbers.

    Raises:
        UserError: a picture would overwrite an image.
    """
    taken: set[str] = set()
    targets = []
    for path in paths:
        stem = name = safe_name(path.stem)
        suffix = 2
        while name.lower() in taken:  # Some file systems are not case-sensitive.
            name, suffix = f"{stem}_{suffix}", suffix + 1
        taken.add(name.lower())
        targets.append(folder / f"{name}.jpg")
    given = {path.resolve() for path in paths}
    clash = next((path for path in targets if path.resolve() in given), None)
    if clash is not None:
        raise UserError(f"{clash}: --draw would overwrite this image, give another --output")
    return targets
