"""Batch norms whose statistics are those of all processes' samples together.

torch's own `SyncBatchNorm` runs on accelerators only. The module here runs wherever the process group does (gloo on a
CPU, above all), so that a run of several processes can be held against a run of one where there is no GPU.

The mean is summed over the processes first and the squared deviations from it next, which subtracts no large numbers
from each other; autograd differentiates both sums. The processes may hold different numbers of samples, of different
sizes. Source of the method: Ioffe and Szegedy, "Batch Normalization", ICML 2015.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
"""What is replaced; not the ones derived from them, whose forward pass may be another."""


def synchronise_batch_norms(model: nn.Module, group: dist.ProcessGroup | None = None) -> nn.Module:
    """Replace the batch norms of a network by ones that see the samples of all processes.

    Those whose values live on a CUDA device become torch's `SyncBatchNorm`, the others a `SynchronisedBatchNorm`.
    Parameters and buffers stay the same tensors under the same names, so an optimiser that knows them goes on, and
    checkpoints fit with and without. In eval mode, and where there is one process, nothing changes.

    In a training step every process must run every replaced layer equally often, forward and backward: the others
    wait for it. Call this before `DistributedDataParallel` is put around the network.

    Args:
        model: on its device; changed in place unless it is a batch norm itself.
        group: the processes that share statistics; None takes all, those of `torch.distributed`'s default group. With
            a group of its own torch's `SyncBatchNorm` cannot be copied by `copy.deepcopy`.

    Returns:
        The network to go on with.
    """
    if type(model) in BATCH_NORMS:
        return _synchronised(model, group)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in BATCH_NORMS:
                setattr(parent, name, _synchronised(child, group))
    return model


def separate_batch_norms(model: nn.Module) -> nn.Module:
    """Make the synchronised batch norms of a network wait for no other process: each then sees its own samples only.

    Args:
        model: changed in place, unless it is a batch norm itself; its tensors and their names stay.

    Returns:
        The network to go on with.
    """
    if isinstance(model, _SYNCHRONISED):
        return SynchronisedBatchNorm(model, alone=True)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _SYNCHRONISED):
                setattr(parent, name, SynchronisedBatchNorm(child, alone=True))
    return model


class SynchronisedBatchNorm(nn.modules.batchnorm._BatchNorm):
    """A batch norm over the samples of all processes, for [N, C], [N, C, L] and [N, C, H, W] on any device.

    Statistics are float32 for inputs of lower precision, which the output keeps. A process may come without samples.
    Parameters' gradients are those of the process's own outputs, to be averaged or summed over the processes like all
    others; the gradient of the input is that of the sum of all processes' losses.

    Args:
        plain: whose settings, parameters and buffers are taken over.
        group: the processes that share statistics; None takes all.
        alone: share them with none.
    """

    def __init__(
        self,
        plain: nn.modules.batchnorm._BatchNorm,
        group: dist.ProcessGroup | None = None,
        *,
        alone: bool = False,
    ) -> None:
        super().__init__(
            plain.num_features, plain.eps, plain.momentum, affine=False, track_running_stats=plain.track_running_stats
        )
        self.affine = plain.affine
        self.weight, self.bias = plain.weight, plain.bias
        self.running_mean, self.running_var = plain.running_mean, plain.running_var
        self.num_batches_tracked = plain.num_batches_tracked
        self.training = plain.training
        self._group = _Shared(group)
        self._alone = alone

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel of x, float [N, C], [N, C, L] or [N, C, H, W]; shape and dtype stay."""
        if self._alone or not self.training or _processes(self._group.value) < 2:
            return super().forward(x)
        self._check_input_dim(x)
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        over, per_channel = [0, *range(2, x.dim())], [1, -1] + [1] * (x.dim() - 2)
        group = self._group.value
        values = wide.new_tensor([x.numel() // x.shape[1]])
        total, count = _SumOverProcesses.apply(torch.cat([wide.sum(over), values]), group).split([x.shape[1], 1])
        if count < 2:
            raise ValueError(f"a batch norm needs more than 1 value per channel, got {list(x.shape)} in all processes")
        mean = total / count
        centred = wide - mean.view(per_channel)
        variance = _SumOverProcesses.apply(centred.square().sum(over), group) / count
        if self.track_running_stats:
            self._follow(mean, variance * (count / (count - 1)))
        y = centred * (variance + self.eps).rsqrt().view(per_channel)
        if self.affine:
            y = y * self.weight.view(per_channel) + self.bias.view(per_channel)
        return y.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch; without momentum they are the mean of all batches."""
        self.num_batches_tracked.add_(1)
        share = self.momentum if self.momentum is not None else 1.0 / int(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_(variance.to(self.running_var.dtype), share)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2 or input.shape[1] != self.num_features:
            raise ValueError(f"expected an input [N, {self.num_features}, ...], not {list(input.shape)}")


_SYNCHRONISED = (SynchronisedBatchNorm, nn.SyncBatchNorm)


class _SumOverProcesses(torch.autograd.Function):
    """The sum of a tensor over the processes. The gradient is that of the sum of all processes' losses."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: dist.ProcessGroup | None) -> Tensor:
        ctx.group = group
        total = x.clone()
        dist.all_reduce(total, group=group)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _SumOverProcesses.apply(gradient.contiguous(), ctx.group), None


def _processes(group: dist.ProcessGroup | None) -> int:
    return dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1


def _synchronised(plain: nn.Module, group: dist.ProcessGroup | None) -> nn.Module:
    values: Iterator[Tensor] = (*plain.parameters(), *plain.buffers())  # type: ignore[assignment]
    if any(value.is_cuda for value in values):
        return nn.SyncBatchNorm.convert_sync_batchnorm(plain, group)
    return SynchronisedBatchNorm(plain, group)


class _Shared:
    """Holds a process group so that copies of the layer, such as those of an average of the weights, share it."""

    def __init__(self, value: dist.ProcessGroup | None) -> None:
        self.value = value

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Shared:
        return self
