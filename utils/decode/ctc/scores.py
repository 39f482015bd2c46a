"""Checking and normalising scores before decoding, and the probability of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from data.recognition.alphabet import BLANK, Alphabet

Lengths = Sequence[int] | np.ndarray | Tensor


def prepare(log_probs: Tensor | np.ndarray, lengths: Lengths | None, alphabet: Alphabet) -> tuple[Tensor, Tensor]:
    """Check a batch and normalise it.

    Args:
        log_probs: float [B, T, classes], logarithms of probabilities or logits: a second log-softmax changes nothing.
        lengths: int [B], time steps of each sample without padding; None if no sample is padded.
        alphabet: the characters of the classes.

    Returns:
        float32 or float64 [B, T, classes] on the device of `log_probs` and int64 [B] on the CPU.

    Raises:
        ValueError: the shapes, the alphabet and the lengths do not fit together.
    """
    scores = torch.as_tensor(log_probs).detach()
    if scores.ndim != 3 or scores.shape[2] != alphabet.classes:
        raise ValueError(f"expected scores [B, T, {alphabet.classes}], not {list(scores.shape)}")
    batch, steps, _ = scores.shape
    counts = torch.full((batch,), steps) if lengths is None else torch.as_tensor(lengths).to("cpu", torch.int64)
    if counts.shape != (batch,) or (batch and not 0 <= int(counts.min()) <= int(counts.max()) <= steps):
        raise ValueError(f"expected {batch} lengths of 0 to {steps}, not {counts.tolist()}")
    scores = scores if scores.dtype == torch.float64 else scores.float()
    return scores.log_softmax(2), counts


def text_probabilities(log_probs: Tensor, lengths: Tensor, texts: Sequence[Sequence[int]]) -> list[float]:
    """Return P(text | picture) of one text for each sample, summed over all its alignments with the time steps.

    Args:
        log_probs: logarithms of probabilities, float [B, T, classes].
        lengths: int64 [B] on the CPU.
        texts: B texts as classes of characters.
    """
    if not log_probs.shape[0] or not log_probs.shape[1]:  # torch refuses empty inputs.
        return [0.0 if text else 1.0 for text in texts]
    if log_probs.device.type not in ("cpu", "cuda"):  # Other devices have no CTC loss.
        log_probs = log_probs.cpu()
    targets = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.int64)
    for row, text in enumerate(texts):
        targets[row, : len(text)] = torch.tensor(text, dtype=torch.int64)
    losses = functional.ctc_loss(
        log_probs.transpose(0, 1),
        targets.to(log_probs.device),
        lengths,
        torch.tensor([len(text) for text in texts]),
        blank=BLANK,
        reduction="none",
    )
    return losses.neg().exp().tolist()
