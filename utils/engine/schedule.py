"""Learning-rate schedules as pure functions of the iteration and, for `plateau`, of the evaluations so far.

A new schedule is a file in `utils/engine/schedules/` that registers a function; `train.schedule` selects it by name.
"""

from __future__ import annotations

from collections.abc import Callable

from config.registry import Registry
from config.schema.training import Training

SCHEDULES: Registry[Callable[..., float]] = Registry("schedule", "train.schedule", package="utils.engine.schedules")
"""Functions with the arguments of `learning_rate` that return the learning rate of an iteration after the warm-up."""


def learning_rate(iteration: int, settings: Training, plateaus: int = 0) -> float:
    """Return the learning rate of an iteration.

    Args:
        iteration: number of iterations completed before, from 0.
        settings: `lr`, `schedule` and their options.
        plateaus: number of plateaus of the score so far (see `Scores`), for the schedule `plateau`.

    Raises:
        UserError: there is no such schedule, or it has no such options.
    """
    if iteration < settings.warmup_iter:
        return settings.lr * (iteration + 1) / settings.warmup_iter
    return SCHEDULES.bind(settings.schedule, settings.schedule_options)(iteration, settings, plateaus)


def progress(iteration: int, settings: Training) -> float:
    """Return the completed share of the iterations from the end of the warm-up to `end_iter`, 0..1."""
    span = max(1, settings.end_iter - settings.warmup_iter)
    return min(1.0, (iteration - settings.warmup_iter) / span)
