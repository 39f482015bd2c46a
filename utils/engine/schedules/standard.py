"""The schedules whose settings are keys of `train`."""

from __future__ import annotations

import math

from config.schema.training import Training
from utils.engine.schedule import SCHEDULES, progress


@SCHEDULES.register("step")
def step(iteration: int, settings: Training, plateaus: int) -> float:
    """Multiply by `gamma` every `lr_decay` iterations."""
    return settings.lr * settings.gamma ** (iteration // settings.lr_decay)


@SCHEDULES.register("cosine")
def cosine(iteration: int, settings: Training, plateaus: int) -> float:
    """Go down to 0 at `end_iter` on half a cosine (Loshchilov and Hutter, ICLR 2017, without restarts)."""
    return settings.lr * (1 + math.cos(math.pi * progress(iteration, settings))) / 2


@SCHEDULES.register("constant")
def constant(iteration: int, settings: Training, plateaus: int) -> float:
    """Stay at `lr`."""
    return settings.lr


@SCHEDULES.register("plateau")
def plateau(iteration: int, settings: Training, plateaus: int) -> float:
    """Multiply by `gamma` at every plateau of the evaluations."""
    return settings.lr * settings.gamma**plateaus
