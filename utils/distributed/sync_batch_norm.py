"""Batch norms whose statistics are those of all processes' samples together.

torch's own `SyncBatchNorm` runs on accelerators only. The module here runs wherever the process group does (gloo on a
CPU, above all), so that a run of several processes can be held against a run of one where there is no GPU.

Every process sends the mean, the sum of squared deviations and the number of values of each channel; they are joined
by the rule of Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances",
1979, which subtracts no large numbers from each other. The processes may hold different numbers of samples, of
different sizes. Source of the method: Ioffe and Szegedy, "Batch Normalization", ICML 2015.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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
        if self._alone or not self.training or _processes(self._group.value) < 2:
            return super().forward(x)
        self._check_input_dim(x)
        y, mean, variance, count = _Normalise.apply(x, self.weight, self.bias, self.eps, self._group.value)
        if self.track_running_stats:
            self._follow(mean, variance * (count / (count - 1)))
        return y

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


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias with the statistics of all processes.

    Returns the output, and without gradients the mean [C], the biased variance [C] and the number of values.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, group: dist.ProcessGroup | None
    ) -> tuple[Tensor, Tensor, Tensor, float]:
        mean, variance, count = _joined_statistics(_wide(x), group)
        if count < 2:
            raise ValueError(f"a batch norm needs more than 1 value per channel, got {list(x.shape)} in all processes")
        scale, shift = (None if value is None else value.to(mean.dtype) for value in (weight, bias))
        y = F.batch_norm(x, mean, variance, scale, shift, training=False, eps=eps) if len(x) else torch.empty_like(x)
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt())
        ctx.count, ctx.group = count, group
        ctx.mark_non_differentiable(mean, variance)
        return y, mean, variance, count

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_others: Any) -> tuple[Tensor | None, ...]:
        x, weight, mean, inverse = ctx.saved_tensors
        shape = _along_channels(x)
        normalised = (_wide(x) - mean.view(shape)) * inverse.view(shape)
        wide = _wide(gradient)
        over = _other_dimensions(x)
        own = torch.stack([wide.sum(over), (wide * normalised).sum(over)])
        grad_x = None
        if ctx.needs_input_grad[0]:
            # The statistics depend on every process's samples, so every process's loss depends on them through these.
            sums = own.clone()
            dist.all_reduce(sums, group=ctx.group)
            from_mean, from_variance = (sums / ctx.count).unbind()
            scale = inverse if weight is None else inverse * weight.to(inverse.dtype)
            grad_x = wide - from_mean.view(shape) - normalised * from_variance.view(shape)
            grad_x = (grad_x * scale.view(shape)).to(x.dtype)
        grad_weight = own[1].to(weight.dtype) if weight is not None and ctx.needs_input_grad[1] else None
        grad_bias = own[0].to(weight.dtype) if weight is not None and ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias, None, None


def _joined_statistics(x: Tensor, group: dist.ProcessGroup | None) -> tuple[Tensor, Tensor, float]:
    """Return mean [C] and biased variance [C] over all processes, and how many values a channel has there.

    Every process computes them from the same numbers in the same order, so that they are alike to the last bit.
    """
    channels, own = x.shape[1], x.numel() // x.shape[1]
    message = x.new_zeros(2 * channels + 1)
    if own:
        variance, mean = torch.var_mean(x, _other_dimensions(x), correction=0)
        message = torch.cat([mean, variance * own, x.new_tensor([own])])
    received = [torch.empty_like(message) for _ in range(_processes(group))]
    dist.all_gather(received, message, group=group)
    means, squares, counts = torch.stack(received).split([channels, channels, 1], dim=1)
    count = counts.sum()
    mean = (means * counts).sum(0) / count
    variance = (squares + counts * (means - mean).square()).sum(0) / count
    return mean, variance, float(count)


def _processes(group: dist.ProcessGroup | None) -> int:
    return dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1


def _wide(x: Tensor) -> Tensor:
    """Return values of less than float32's precision as float32."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _other_dimensions(x: Tensor) -> list[int]:
    return [0, *range(2, x.dim())]


def _along_channels(x: Tensor) -> list[int]:
    return [1, -1] + [1] * (x.dim() - 2)


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
