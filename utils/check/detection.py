"""The check of a detection job before training."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from config.errors import UserError
from config.schema.detection import DetectionConfig
from model.registry import build_detector
from utils.check.boxes import measure_boxes, report_boxes
from utils.check.characters import report_characters
from utils.check.cost import report_cost, trial_task
from utils.check.counts import report_counts, take_census
from utils.check.duplicates import report_duplicates
from utils.check.images import report_images
from utils.check.probe import survey_images
from utils.check.report import CheckOptions, Report
from utils.check.sources import datasets_of, open_sources
from utils.tasks.registry import look_up_names
from utils.weights.files import load_into, read_file, state_dict_of

log = logging.getLogger(__name__)


def check_detection(config: DetectionConfig, options: CheckOptions, say: Callable[[str], Any]) -> Report:
    """Check a detection job; see `utils.check.jobs.check_job`."""
    look_up_names(config)
    report = Report(say)
    sources, report.problems = open_sources(config)
    report.require(sources)
    _check_start(report, config)
    limit = options.limit(len(source.reader) for source in sources)
    censuses = [take_census(source, limit) for source in sources]
    if sources:
        report_counts(report, sources, censuses)
        surveys = [survey_images(source, deep=options.deep) for source in sources]
        report_images(report, sources, surveys, deep=options.deep, max_unreadable=config.train.max_unreadable)
        boxes = [measure_boxes(source, seen, config, limit) for source, seen in zip(sources, surveys, strict=True)]
        report_boxes(report, sources, censuses, boxes)
        report_characters(report, sources, censuses)
        report_duplicates(report, sources, surveys, deep=options.deep, allow_leaks=options.allow_leaks)
    readers = {source.name: source.reader for source in sources}
    wanted = [name for name, role, _ in datasets_of(config) if role != "test"]
    if wanted and options.timing and all(name in readers for name in wanted):
        # The weights were checked above; the time of a step does not depend on them.
        task = trial_task(report, config, readers, initial_weights=False)
        if task is not None:
            report_cost(report, task, config)
    if options.draw is not None and sources:
        from utils.check.sheet import write_sheet

        drawn = write_sheet(Path(options.draw), sources, config)
        say(f"{drawn} samples are drawn in {options.draw}: check that the boxes fit\n")
    return report.finish(options, trains=bool(config.train.datasets) or config.train.weak is not None)


def _check_start(report: Report, config: DetectionConfig) -> None:
    """Check the initial weights of a run, and the synthetic data of weak supervision."""
    train = config.train
    if train.weak is not None and train.weak.use_synthtext and not train.datasets:
        report.problems.append(
            "train.datasets is empty: name a dataset with character boxes to replay beside the words, or set "
            "train.weak.use_synthtext=false"
        )
    if train.weak is not None and train.ckpt_path is None:
        report.remarks.append(
            "train.ckpt_path is null: an untrained teacher finds no characters, so every word is split into equal "
            "parts; train on character boxes first and give that checkpoint"
        )
    if (train.datasets or train.weak) and train.ckpt_path is not None:
        try:
            state = state_dict_of(read_file(train.ckpt_path), train.ckpt_path)
            load_into(build_detector(config.model), state, train.ckpt_path)
        except UserError as fault:
            report.problems.append(f"train.ckpt_path: {fault}")
