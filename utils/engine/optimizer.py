"""The optimisers, their step, and a warning about unusual learning rates."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from config.schema.training import Training

log = logging.getLogger(__name__)

USUAL_RATES = {"adam": (1e-6, 1e-2), "adamw": (1e-6, 1e-2), "adadelta": (1e-2, 10.0)}
"""Lowest and highest usual learning rate of each optimiser."""


def make_optimizer(parameters: Iterable[nn.Parameter], settings: Training) -> torch.optim.Optimizer:
    """Return the optimiser of a run; frozen parameters are left out.

    Adadelta has rho 0.95 and eps 1e-8, as in EasyOCR and deep-text-recognition-benchmark. On CUDA, Adam is fused:
    this version can skip a step without a wait for the device.
    """
    learnt = [parameter for parameter in parameters if parameter.requires_grad]
    decay = settings.weight_decay
    if settings.optimizer == "adadelta":
        return torch.optim.Adadelta(learnt, lr=settings.lr, rho=0.95, eps=1e-8, weight_decay=decay)
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    fused = True if learnt and all(parameter.device.type == "cuda" for parameter in learnt) else None
    return kind(learnt, lr=settings.lr, weight_decay=decay, fused=fused)


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Load the state of an optimiser, possibly from another device; `fused` and `foreach` stay as they are here."""
    groups = [
        {**loaded, **{name: present[name] for name in ("fused", "foreach") if name in present}}
        for loaded, present in zip(state["param_groups"], optimizer.state_dict()["param_groups"], strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})


def marked(loss: Tensor) -> Tensor:
    """Return a loss, a scalar; its gradient is NaN if it is not finite, and a finite loss stays the same bit for bit.

    The gradient, which all processes of a job share, decides whether an iteration counts. So a loss that is not finite
    in one process must show in the gradient.
    """
    return loss * torch.where(torch.isfinite(loss.detach()), 1.0, torch.nan).to(loss.dtype)


def descend(
    model: nn.Module, optimizer: torch.optim.Optimizer, scaler: torch.amp.GradScaler, grad_clip: float
) -> Tensor:
    """Clip the gradient and make an optimiser step; if the norm of the gradient is not finite, change nothing.

    Only fp16's loss scaling and Adadelta wait for the GPU: fused optimisers read on the device whether to skip the
    step, as they do for `torch.amp.GradScaler`.

    Args:
        model: the network; its gradients are clipped.
        optimizer: of its parameters.
        scaler: scales the loss in fp16; disabled otherwise.
        grad_clip: greatest norm of the gradient; 0 means no clipping.

    Returns:
        The norm of the gradient before it was clipped, a scalar on the model's device.
    """
    scaler.unscale_(optimizer)
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip or float("inf"))
    finite = torch.isfinite(norm)
    if scaler.is_enabled():
        # The norm may overflow although all gradients are finite; such a step must be skipped, too.
        for found in scaler._found_inf_per_device(optimizer).values():
            found.copy_(torch.maximum(found, (~finite).to(found)))
        scaler.step(optimizer)
        scaler.update()
    elif all(group.get("fused") for group in optimizer.param_groups):
        optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
        try:
            optimizer.step()
        finally:
            del optimizer.found_inf
    elif finite:
        optimizer.step()
    return norm


def warn_about_rate(settings: Training) -> None:
    """Log a warning if the learning rate is outside the usual range of the optimiser."""
    low, high = USUAL_RATES[settings.optimizer]
    if not low <= settings.lr <= high:
        log.warning(
            "train.lr=%g with train.optimizer=%s: its rates are usually %g to %g%s",
            settings.lr, settings.optimizer, low, high,
            "; 1.0 is Adadelta's" if settings.optimizer != "adadelta" and settings.lr >= 0.1 else "",
        )  # fmt: skip
