"""The gradient of an iteration, accumulated over its micro-batches, and the random seed of an iteration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.order import StreamBatchSampler
from utils.device import Amp, autocast
from utils.distributed.replicas import Replicas
from utils.engine.optimizer import marked
from utils.engine.task import Task

_DROPOUT = 5
"""Makes these random numbers differ from those of the data, which use the same seed (see `data.order`)."""


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed the random numbers that the network draws in an iteration, such as dropout.

    The seed depends on these three values only, so a resumed run draws the same as a run without a stop.
    """
    word = np.random.SeedSequence((seed, _DROPOUT, step, rank)).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(word >> np.uint64(1)))


def accumulate_gradient(
    task: Task,
    replicas: Replicas,
    sampler: StreamBatchSampler,
    batches: Sequence[dict[str, Any]],
    scaler: torch.amp.GradScaler,
    amp: Amp,
) -> dict[str, Tensor]:
    """Set the gradient of every parameter to that of the mean loss over all samples of an iteration.

    This does not wait for the device, unless the network itself does.

    Args:
        task: defines the loss.
        replicas: the replicas of the network in all processes.
        sampler: gives the weight of each micro-batch in the iteration.
        batches: the micro-batches of this process, on the device of the network.
        scaler: scales the loss in fp16; disabled otherwise.
        amp: precision of the forward pass.

    Returns:
        The values of `task.loss`, means over all samples of all processes, each a float32 scalar.
    """
    device = next(replicas.module.parameters()).device
    for parameter in replicas.module.parameters():
        parameter.grad = None
    means: dict[str, Tensor] = {}
    for index, batch in enumerate(batches):
        weight = sampler.weight(index)
        with replicas.reducing(last=index == len(batches) - 1):
            with autocast(device, amp):
                losses = task.loss(replicas.module, batch)
            scaler.scale(marked(losses["loss"]) * weight).backward()
        for name, value in losses.items():
            value = value.detach().float() * weight
            means[name] = means[name] + value if name in means else value
    return replicas.settle(means)
