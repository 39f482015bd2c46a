"""The loss of recognisers: connectionist temporal classification (Graves et al., ICML 2006).

The loss of a sample is -ln of the probability of its text, summed over all ways to place the text on the time steps.
It is divided by the length of the text and averaged over the batch, which is what `torch.nn.CTCLoss` calls 'mean' and
what EasyOCR and deep-text-recognition-benchmark train with.

A text of L characters, R of them equal to the one before, needs L + R time steps. Where a picture has fewer, no
placement exists and the loss is infinite: it is set to zero, gradient included, and counted, for a zero looks like a
text that has been learnt.
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
        loss: mean over the samples of loss / number of characters (empty texts count as of one); zeroed ones count 0.
        zeroed_share: share of the samples with an infinite loss, 0..1: their text does not fit into their time steps.
        blank_share: share of the time steps where the blank is most probable, 0..1. Near 1 in the first few hundred
            iterations (the blank is learnt first), and for good where nothing is learnt.
    """

    loss: Tensor
    zeroed_share: Tensor
    blank_share: Tensor


class CTCLoss(nn.Module):
    """CTC in float32, whatever precision the network ran in.

    The share of zeroed samples is found without waiting for the device. Torch's own implementation reads the lengths on
    the CPU: given as lists, arrays or CPU tensors they cost no transfer back. It copies them and the offsets of the
    targets to a GPU itself, three arrays of B numbers forward and again backward, and waits for each; nothing that is
    given to it changes that. cuDNN's would not, but wants one width for the whole batch: targets are int64 and padded,
    so torch never takes it. The gradient of the one it takes has no fixed order of summation on a GPU: under
    `torch.use_deterministic_algorithms`, and on devices that have no CTC at all, the loss is computed on the CPU, where
    it is deterministic.
    """

    def forward(self, logits: Tensor, lengths: Lengths, targets: Tensor, target_lengths: Lengths) -> CTCLossParts:
        """Compute the loss of a batch.

        Args:
            logits: scores before the softmax, float [B, T, classes]; class 0 is the blank.
            lengths: int [B], time steps of each sample, in 0..T; the rest is padding and never read.
            targets: classes of the characters, int [B, L], padded with anything.
            target_lengths: int [B], number of characters of each sample, in 0..L.

        Raises:
            ValueError: the shapes do not fit, or a class is not one of a character's (seen where `targets` is on the
                CPU only).
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
            # As `zero_infinity` of torch does, which would not tell where it did.
            endless = losses.detach() == torch.inf
            if log_probs.requires_grad:
                log_probs.register_hook(lambda gradient: gradient.masked_fill(endless[:, None, None], 0.0))
            steps, characters = (one.to(device, non_blocking=device.type == "cuda") for one in (steps, characters))
            loss = (losses.masked_fill(endless, 0.0) / characters.clamp(min=1)).mean()
            zeroed = endless.float().mean()
            blank = _blank_share(scores.detach(), steps)
        return CTCLossParts(loss.to(home), zeroed.to(home), blank.to(home))


def _blank_share(scores: Tensor, steps: Tensor) -> Tensor:
    real = torch.arange(scores.shape[1], device=scores.device) < steps[:, None]
    blank = (scores[..., BLANK] >= scores.amax(dim=2)) & real
    return blank.sum().float() / real.sum().clamp(min=1)


def _check_classes(targets: Tensor, target_lengths: Tensor, classes: int) -> None:
    """Stop where torch would read beyond its arrays without a word."""
    if targets.device.type != "cpu":
        return
    real = torch.arange(targets.shape[1]) < target_lengths[:, None]
    wrong = targets[real & ((targets <= BLANK) | (targets >= classes))]
    if len(wrong):
        raise ValueError(f"target class {int(wrong[0])} is not a character's: those are 1 to {classes - 1}")


def _int64(lengths: Lengths) -> Tensor:
    return torch.as_tensor(lengths, dtype=torch.int64).cpu()


def _ctc_device(device: torch.device) -> torch.device:
    """Return where to compute: on the logits' own device if it has a CTC that is as deterministic as asked for."""
    if device.type == "cpu" or (device.type == "cuda" and not torch.are_deterministic_algorithms_enabled()):
        return device
    return torch.device("cpu")
