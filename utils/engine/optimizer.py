"""The optimisers, and a word where a learning rate is not one of theirs."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from config.schema.training import Training

log = logging.getLogger(__name__)

USUAL_RATES = {"adam": (1e-6, 1e-2), "adamw": (1e-6, 1e-2), "adadelta": (1e-2, 10.0)}
"""Learning rates between which each optimiser is known to train networks like these."""


def make_optimizer(parameters: Iterable[nn.Parameter], settings: Training) -> torch.optim.Optimizer:
    """Return the optimiser of a run; frozen parameters are left out.

    Adadelta has EasyOCR's and deep-text-recognition-benchmark's rho 0.95 and eps 1e-8.
    """
    learnt = [parameter for parameter in parameters if parameter.requires_grad]
    decay = settings.weight_decay
    if settings.optimizer == "adadelta":
        return torch.optim.Adadelta(learnt, lr=settings.lr, rho=0.95, eps=1e-8, weight_decay=decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(learnt, lr=settings.lr, weight_decay=decay)


def descend(
    model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, grad_clip: float
) -> Tensor:
    """Make one step down the gradient; apart from fp16's loss scaling, nothing in it waits for the device.

    Args:
        model: has the gradients, which are clipped.
        optimizer: of its parameters.
        scaler: scales the loss in fp16, and does nothing else.
        grad_clip: greatest norm of the gradient; 0 does not clip.

    Returns:
        The norm of the gradient before it was clipped, a scalar on the model's device.
    """
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip or float("inf"))
    scaler.step(optimizer)
    scaler.update()
    return norm


def warn_about_rate(settings: Training) -> None:
    """Log a warning where the learning rate is far from what the optimiser is used with."""
    low, high = USUAL_RATES[settings.optimizer]
    if not low <= settings.lr <= high:
        log.warning(
            "train.lr=%g with train.optimizer=%s: its rates are usually %g to %g%s",
            settings.lr, settings.optimizer, low, high,
            "; 1.0 is Adadelta's" if settings.optimizer != "adadelta" and settings.lr >= 0.1 else "",
        )  # fmt: skip
