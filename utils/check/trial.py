"""The task of a run, created for measurements only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from config.errors import UserError
from config.schema.run import NO_VALIDATION, RunConfig
from utils.check.quiet import quiet
from utils.check.report import Report
from utils.device import effective_amp, resolve_device
from utils.engine.task import Task
from utils.tasks.registry import task_class


def trial_task(report: Report, config: RunConfig, readers: Mapping[str, Any], *, initial_weights: bool) -> Task | None:
    """Create the task of a job without its evaluation; if that fails, add a problem to the report and return None.

    Args:
        report: the report.
        config: the whole job.
        readers: the datasets, by their place in the configuration.
        initial_weights: load the initial weights of the run.
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
