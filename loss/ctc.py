"""The loss of recognisers: connectionist temporal classification (Graves et al., ICML 2006).

The loss of a sample is -ln of the probability of its text, which is a sum over all alignments of the text with the time
steps. It is divided by the length of the text and averaged over the batch; this is the reduction 'mean' of
`torch.nn.CTCLoss`, with which EasyOCR and deep-text-recognition-benchmark train.

A text of L characters, R of them equal to the one before, needs L + R time steps. If a picture has fewer, there is no
alignment and the loss is infinite: it is set to zero, like its gradient, and counted, because a loss of zero looks like
a text that has been learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from data.recognition.alphabet import BLANK

Lengths = Sequence[int] | np.ndarray | Tensor


class CTCLossParts(NamedTuple):
    """Scalars on the device of the logits.

    Attributes:
        loss: mean over the samples of loss / number of characters (at least 1); infinite losses count as 0.
        zeroed_share: share of the samples with an infinite loss, 0..1: their text needs more time steps than they have.
        blank_share: share of the time steps at which the blank is the most probable class, 0..1. It is near 1 in the
            first few hundred iterations, because the blank is learnt first, and stays there if nothing is learnt.
    """

    loss: Tensor
    zeroed_share: Tensor
    blank_share: Tensor


class CTCLoss(nn.Module):
    """CTC in float32, whatever precision the network ran in.

    The share of zeroed samples is computed without waiting for the device. Torch's native implementation reads the
    lengths on the CPU, so lists, arrays or CPU tensors need no copy from the device. It copies them and the offsets of
    the targets to a GPU, three arrays of B numbers in the forward pass and again in the backward pass, and waits for
    each copy; no form of the arguments avoids that. Targets are int64 and padded, so torch never uses cuDNN's
    implementation, which needs one width for the whole batch. On a GPU the gradient of the native implementation is
    summed in no fixed order. Under `torch.use_deterministic_algorithms`, and on devices without CTC, the loss is
    therefore computed on the CPU, where it is deterministic.
    """

    def forward(self, logits: Tensor, lengths: Lengths, targets: Tensor, target_lengths: Lengths) -> CTCLossParts:
        """Compute the loss of a batch.

        Args:
            logits: scores before the softmax, float [B, T, classes]; class 0 is the blank.
            lengths: int [B], time steps of each sample, in 0..T; the rest is padding and never read.
            targets: classes of the characters, int [B, L], padded with any value.
            target_lengths: int [B], number of characters of each sample, in 0..L.

        Raises:
            ValueError: the shapes do not match, or a target is not the class of a character (checked only if `targets`
                is on the CPU).
        """
        if logits.ndim != 3 or targets.ndim != 2 or not len(logits) == len(targets) == len(lengths):
            raise ValueError(
                f"expected logits [B, T, classes], lengths [B] and targets [B, L], not {list(logits.shape)}, "
                f"[{len(lengths)}] and {list(targets.shape)}"
            )
        home = logits.device
        device = _ctc_device(home)
        with torch.autocast(device.type, enabled=False), torch.autocast(home.type, enabled=False):
            scores = logits.to(device)
            scores = scores if scores.dtype == torch.float64 else scores.float()
            steps, characters = _int64(lengths), _int64(target_lengths)
            targets = targets.to(device, torch.int64, non_blocking=device.type == "cuda")
            _check_classes(targets, characters, scores.shape[2])
            log_probs = scores.log_softmax(2)
            losses = functional.ctc_loss(
                log_probs.transpose(0, 1), targets, steps, characters, blank=BLANK, reduction="none"
            )
            # The same as torch's `zero_infinity`, which does not tell which samples it changed.
            endless = losses.detach() == torch.inf
            if log_probs.requires_grad:
                log_probs.register_hook(lambda gradient: gradient.masked_fill(endless[:, None, None], 0.0))
            steps, characters = (
                lengths.to(device, non_blocking=device.type == "cuda") for lengths in (steps, characters)
            )
            loss = (losses.masked_fill(endless, 0.0) / characters.clamp(min=1)).mean()
            zeroed = endless.float().mean()
            blank = _blank_share(scores.detach(), steps)
        return CTCLossParts(loss.to(home), zeroed.to(home), blank.to(home))


def _blank_share(scores: Tensor, steps: Tensor) -> Tensor:
    real = torch.arange(scores.shape[1], device=scores.device) < steps[:, None]
    blank = (scores[..., BLANK] >= scores.amax(dim=2)) & real
    return blank.sum().float() / real.sum().clamp(min=1)


def _check_classes(targets: Tensor, target_lengths: Tensor, classes: int) -> None:
    """Refuse classes with which torch would read outside its arrays without an error."""
    if targets.device.type != "cpu":
        return
    real = torch.arange(targets.shape[1]) < target_lengths[:, None]
    wrong = targets[real & ((targets <= BLANK) | (targets >= classes))]
    if len(wrong):
        raise ValueError(f"target class {int(wrong[0])} is not a character's: those are 1 to {classes - 1}")


def _int64(lengths: Lengths) -> Tensor:
    return torch.as_tensor(lengths, dtype=torch.int64).cpu()


def _ctc_device(device: torch.device) -> torch.device:
    """Return where to compute: on the device of the logits, unless its CTC is missing or must be deterministic."""
    if device.type == "cpu" or (device.type == "cuda" and not torch.are_deterministic_algorithms_enabled()):
        return device
    return torch.device("cpu")
