"""An exponential moving average of the weights.

torch's `AveragedModel` would do, but for each tensor it copies its counter to the GPU and waits; here the weight of
an update is a Python number and all tensors move in a few fused calls.
"""

from __future__ import annotations

import copy

import torch
from torch import nn


class WeightAverage:
    """Follows `model`: average = d * average + (1 - d) * weights, with d = min(decay, (1 + n) / (10 + n)).

    The smaller decay of the first updates n keeps the random start from lingering.

    Attributes:
        module: a model of its own that holds the averages; buffers that count are copied.
        updates: number of updates so far.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.updates = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the averages towards the present weights; the first update takes them over."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates)) if self.updates else 0.0
        self.updates += 1
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        floating = [(old, new) for old, new in pairs if old.is_floating_point()]
        torch._foreach_lerp_([old for old, _ in floating], [new for _, new in floating], 1 - decay)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)


def _tensors(model: nn.Module) -> list[torch.Tensor]:
    return [tensor.detach() for tensor in (*model.parameters(), *model.buffers())]
