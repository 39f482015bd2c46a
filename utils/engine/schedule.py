"""Learning-rate schedules as pure functions of the iteration and, for `plateau`, of the evaluations so far."""

from __future__ import annotations

import math

from config.schema.training import Training


def learning_rate(iteration: int, settings: Training, plateaus: int = 0) -> float:
    """Return the learning rate of an iteration.

    Args:
        iteration: iterations completed before this one, counted from 0.
        settings: `lr`, `schedule` and what belongs to them.
        plateaus: how often the evaluations have ceased to get better, for the schedule `plateau`.
    """
    if iteration < settings.warmup_iter:
        return settings.lr * (iteration + 1) / settings.warmup_iter
    if settings.schedule == "step":
        return settings.lr * settings.gamma ** (iteration // settings.lr_decay)
    if settings.schedule == "cosine":
        span = max(1, settings.end_iter - settings.warmup_iter)
        progress = min(1.0, (iteration - settings.warmup_iter) / span)
        return settings.lr * (1 + math.cos(math.pi * progress)) / 2
    if settings.schedule == "plateau":
        return settings.lr * settings.gamma**plateaus
    return settings.lr
