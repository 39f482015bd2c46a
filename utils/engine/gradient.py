"""The gradient of an iteration, of one or several micro-batches, and the seed of what is random in it."""

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
"""Tells these random numbers from those that the same seed gives to the data, see `data.order`."""


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed what the network itself draws in an iteration, such as dropout: a function of these three numbers, so that a
    resumed run draws what an undisturbed one does."""
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
    """Give every parameter the gradient of the mean loss over all samples of an iteration.

    Apart from the network's own, nothing in it waits for the device.

    Args:
        task: has the loss.
        replicas: the network, in all processes.
        sampler: knows what share of the iteration each micro-batch is.
        batches: this process's micro-batches, on the device of the network.
        scaler: scales the loss in fp16, and does nothing else.
        amp: precision of the forward pass.

    Returns:
        What `task.loss` returned, as means over all samples, the same in every process: each a float32 scalar.
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
