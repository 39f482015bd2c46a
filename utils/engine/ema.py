"""An exponential moving average of the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged_model(model: nn.Module, decay: float) -> AveragedModel:
    """Return a running average of `model`'s parameters and buffers.

    The decay rises to `decay` as min(decay, (1 + n) / (10 + n)), so that the first updates are not held back by the
    random start.
    """

    def average(old: Tensor, new: Tensor, count: Tensor) -> Tensor:
        if not old.is_floating_point():
            return new
        number = count.to(old.dtype)
        weight = 1 - torch.minimum((1 + number) / (10 + number), number.new_tensor(decay))
        return old + (new - old) * weight

    return AveragedModel(model, avg_fn=average, use_buffers=True)
