"""`check.py --find-lr`: the learning-rate range test of a job, as a chart and as text."""

from __future__ import annotations

from pathlib import Path

from config.errors import UserError
from config.schema.run import RunConfig
from utils.check.cost import unevaluated_task
from utils.check.lr_chart import draw_range_test
from utils.check.lr_range_test import LEAST_ITERATIONS, described, range_test
from utils.device import resolve_amp, resolve_device
from utils.draw.picture_file import picture_path, save_picture
from utils.tasks.registry import look_up_names, task_class


def find_rate(config: RunConfig, path: Path, iterations: int) -> str:
    """Run the test from the weights that a run would start from, draw it, and return what it suggests.

    Of a run's files, only `train.ckpt_path` is read, and none is written.

    Raises:
        UserError: something the user gave is missing or does not fit.
    """
    picture_path("--find-lr", path)
    if iterations < LEAST_ITERATIONS:
        raise UserError(f"--find-lr-iterations {iterations}: give {LEAST_ITERATIONS} or more")
    look_up_names(config)
    refusal = task_class(config).no_rate_test
    if refusal:
        raise UserError(refusal)
    device = resolve_device(config.device)
    amp = resolve_amp(config.amp, device)
    result = range_test(unevaluated_task(config, device, amp), config.train, device, amp, iterations)
    title = f"{config.name}: {config.train.optimizer}, batches of {config.train.batch_size}"
    save_picture(path, draw_range_test(result, title, config.train.lr))
    return f"learning-rate range test of {config.name}, drawn in {path}\n{described(result, config.train)}"
