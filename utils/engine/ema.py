"""An exponential moving average of the weights.

torch's `AveragedModel` copies its counter to the GPU for each tensor and waits. Here the counter stays on the device,
and all tensors are updated in a few fused calls.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows `model`: average = d * average + (1 - d) * weights, with d = min(decay, (1 + n) / (10 + n)).

    n is the number of updates so far: the decay starts small, so that the initial weights are soon forgotten.

    Attributes:
        module: a copy of the model with the averaged weights; integer buffers are copied, not averaged.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(model).requires_grad_(False)
        for module in self.module.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()  # Copied weights are not contiguous; cuDNN would join them each time.
        self.decay = decay
        device = _device(model)
        exact = torch.float32 if device.type == "mps" else torch.float64  # Apple GPUs have no float64.
        self._updates = torch.zeros((), dtype=exact, device=device)

    @property
    def updates(self) -> int:
        """Number of updates so far; reading it waits for the device."""
        return int(self._updates)

    @updates.setter
    def updates(self, count: int) -> None:
        self._updates.fill_(count)

    @torch.no_grad()
    def update(self, model: nn.Module, good: Tensor | None = None) -> None:
        """Move the averages towards the present weights; the first update copies the weights.

        Args:
            model: the network with the present weights.
            good: bool scalar on the device of `model`; if false, nothing changes. None means true.
        """
        good = torch.ones((), dtype=torch.bool, device=self._updates.device) if good is None else good
        pairs = list(zip(_tensors(self.module), _tensors(model), strict=True))
        olds, news = _floating(pairs)
        counted = self._updates
        decay = torch.clamp((1 + counted) / (10 + counted), max=self.decay) * (counted > 0)
        weight = (1 - decay) * good
        if weight.device.type == "cpu":
            if not good:
                return
            torch._foreach_lerp_(olds, news, weight.item())
        else:
            steps = torch._foreach_sub(news, olds)
            torch._foreach_mul_(steps, weight.float())
            torch._foreach_add_(olds, steps)
        for old, new in pairs:
            if not old.is_floating_point():
                old.copy_(new)  # After a skipped iteration, those of the model have been restored.
        counted += good


def _floating(pairs: list[tuple[Tensor, Tensor]]) -> tuple[list[Tensor], list[Tensor]]:
    floating = [pair for pair in pairs if pair[0].is_floating_point()]
    return [old for old, _ in floating], [new for _, new in floating]


def _device(model: nn.Module) -> torch.device:
    return next((tensor.device for tensor in _tensors(model)), torch.device("cpu"))


def _tensors(model: nn.Module) -> list[Tensor]:
    return [tensor.detach() for tensor in (*model.parameters(), *model.buffers())]
