"""The job of a run, made to be tried and thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.errors import UserError
from config.schema.run import NO_VALIDATION, RunConfig
from utils.check.report import Report, quiet
from utils.device import effective_amp, resolve_device
from utils.engine.task import Task
from utils.tasks.registry import task_class


def trial_task(report: Report, config: RunConfig, readers: Mapping[str, Any], *, initial_weights: bool) -> Task | None:
    """Make the task of a job without its evaluation; where it refuses to start, that is a problem, and None returned.

    Args:
        report: takes the problem.
        config: the whole job.
        readers: the datasets, by their place in the configuration.
        initial_weights: load what the run starts from.
    """
    device = resolve_device(config.device)
    amp, _ = effective_amp(config.amp, device)
    train = config.train.model_copy(update={"validation": NO_VALIDATION})
    try:
        with quiet():
            return task_class(config)(
                config.model_copy(update={"train": train}), device, amp,
                readers=readers, initial_weights=initial_weights,
            )  # fmt: skip
    except UserError as fault:
        if str(fault) not in report.problems:
            report.problems.append(str(fault))
        return None
