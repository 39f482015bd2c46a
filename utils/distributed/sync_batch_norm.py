"""Batch norms whose statistics are those of all processes' samples together.

torch's own `SyncBatchNorm` runs on accelerators only, and in every layer the host waits there for the device: it sorts
out the processes without samples by a mask. The module here runs wherever the process group does, and how many samples
all processes have is counted on the device. A run on GPUs can so be held against one on a CPU.

The mean is summed over the processes first and the squared deviations from it next, which subtracts no large numbers
from each other. The processes may hold different numbers of samples, of different sizes. Source of the method: Ioffe
and Szegedy, "Batch Normalization", ICML 2015.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
"""What is replaced; not the ones derived from them, whose forward pass may be another."""


def synchronise_batch_norms(model: nn.Module, group: dist.ProcessGroup | None = None) -> nn.Module:
    """Replace the batch norms of a network by ones that see the samples of all processes.

    Parameters and buffers stay the same tensors under the same names, so an optimiser that knows them goes on, and
    checkpoints fit with and without. In eval mode, and where there is one process, nothing changes.

    In a training step every process must run every replaced layer equally often, forward and backward: the others
    wait for it. Call this before `DistributedDataParallel` is put around the network.

    Args:
        model: on its device; changed in place unless it is a batch norm itself.
        group: the processes that share statistics; None takes all, those of `torch.distributed`'s default group.

    Returns:
        The network to go on with.
    """
    if type(model) in BATCH_NORMS:
        return SynchronisedBatchNorm(model, group)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) in BATCH_NORMS:
                setattr(parent, name, SynchronisedBatchNorm(child, group))
    return model


def separate_batch_norms(model: nn.Module) -> nn.Module:
    """Make the synchronised batch norms of a network wait for no other process: each then sees its own samples only.

    Args:
        model: changed in place, unless it is a batch norm itself; its tensors and their names stay.

    Returns:
        The network to go on with.
    """
    if isinstance(model, SynchronisedBatchNorm):
        return SynchronisedBatchNorm(model, alone=True)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, SynchronisedBatchNorm):
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
        y, mean, variance, count = _Normalise.apply(x, self.weight, self.bias, self.eps, self._group.value)
        if x.numel() // x.shape[1] < 2 and count < 2:  # Asking a GPU waits for it: only where it may be so.
            raise ValueError(f"a batch norm needs more than 1 value per channel, got {list(x.shape)} in all processes")
        if self.track_running_stats:
            self._follow(mean, variance * (count / (count - 1)))
        return y

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch; without momentum they are the mean of all batches."""
        self.num_batches_tracked.add_(1)
        for running, present in ((self.running_mean, mean), (self.running_var, variance)):
            share = self.momentum if self.momentum is not None else (1.0 / self.num_batches_tracked).to(running.dtype)
            running.lerp_(present.to(running.dtype), share)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.dim() < 2 or input.shape[1] != self.num_features:
            raise ValueError(f"expected an input [N, {self.num_features}, ...], not {list(input.shape)}")


class _Normalise(torch.autograd.Function):
    """Batch normalisation by the statistics of all processes: two transfers forward and one back, and of the input's
    size nothing is kept but the input itself.

    With the normalised input n and the sums over all processes' values, the gradient of the input is
    weight / deviation * (g - mean(g) - n * mean(g * n)) for a gradient g of the output.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, group: dist.ProcessGroup | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the output, and mean [C], variance [C] and number [1] of all processes' values."""
        over, exact = [0, *range(2, x.dim())], torch.promote_types(x.dtype, torch.float32)
        # Filled on the device: a tensor made of a Python number would be copied there, and waited for.
        values = torch.full((1,), x.numel() // x.shape[1], dtype=exact, device=x.device)
        sums = torch.cat([x.sum(over, dtype=exact), values])
        dist.all_reduce(sums, group=group)
        total, count = sums.split([x.shape[1], 1])
        mean = total / count
        squares = (x - _per_channel(mean, x)).square_().sum(over)
        dist.all_reduce(squares, group=group)
        variance = squares / count
        ctx.save_for_backward(x, weight, mean, variance, count)
        ctx.eps, ctx.group = eps, group
        ctx.mark_non_differentiable(mean, variance, count)
        return functional.batch_norm(x, mean, variance, weight, bias, eps=eps), mean, variance, count

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, gradient: Tensor, *_: None
    ) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        x, weight, mean, variance, count = ctx.saved_tensors
        over, exact = [0, *range(2, x.dim())], mean.dtype
        scale = (variance + ctx.eps).rsqrt()
        centred, gradient = x - _per_channel(mean, x), gradient.to(exact)
        sums = torch.stack([gradient.sum(over), (gradient * centred).sum(over) * scale])
        own_bias, own_weight = sums.clone() if weight is not None else (None, None)
        dist.all_reduce(sums, group=ctx.group)
        means = sums / count
        rest = gradient - _per_channel(means[0], x) - centred.mul_(_per_channel(means[1] * scale, x))
        rest.mul_(_per_channel(scale if weight is None else scale * weight, x))
        return rest.to(x.dtype), own_weight, own_bias, None, None


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    return values.view([1, -1] + [1] * (x.dim() - 2))


def _processes(group: dist.ProcessGroup | None) -> int:
    return dist.get_world_size(group) if dist.is_available() and dist.is_initialized() else 1


class _Shared:
    """Holds a process group so that copies of the layer, such as those of an average of the weights, share it."""

    def __init__(self, value: dist.ProcessGroup | None) -> None:
        self.value = value

    def __deepcopy__(self, _memo: dict[int, Any]) -> _Shared:
        return self
