"""The checks of each kind of job. Only the modules of that job are imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from config.errors import UserError
from config.schema.detection import DetectionConfig
from config.schema.recognition import RecognitionConfig
from config.schema.run import RunConfig
from utils.check.report import CheckOptions, Report


def check_job(config: RunConfig, options: CheckOptions, say: Callable[[str], Any]) -> Report:
    """Check everything that a job reads, and estimate its cost.

    Args:
        config: the whole job.
        options: what to check.
        say: called with each section of the report as soon as it is complete.

    Returns:
        The report; its `problems` must be fixed before training.

    Raises:
        UserError: the options do not fit, or there is nothing to check.
    """
    if isinstance(config, DetectionConfig):
        from utils.check.detection import check_detection as check
    else:
        from utils.check.words import check_words as check
    return check(config, options, say)


def look_at_data(config: RunConfig, opened: Mapping[str, Any]) -> list[str]:
    """Return log lines about the data of a job that starts; those about faults begin with "warning: ".

    Args:
        config: the whole job.
        opened: the datasets that training has opened, by their place in the configuration.
    """
    if isinstance(config, DetectionConfig):
        from utils.check.quick import quick_check as look
    elif isinstance(config, RecognitionConfig):
        from utils.check.words import quick_word_check as look
    else:
        return []
    return look(config, opened)


def draw_labels(config: RunConfig, path: Path) -> str:
    """Draw words with the characters that a teacher found in them, and return a sentence about the picture.

    Raises:
        UserError: the job has no teacher, or nothing was labelled.
    """
    if not isinstance(config, DetectionConfig):
        raise UserError("--pseudo-labels is for detectors; --draw shows the pictures of a recogniser")
    from utils.check.pseudo_labels import draw_pseudo_labels

    return draw_pseudo_labels(config, path)
