"""Readings with their confidences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from data.recognition.alphabet import BLANK, Alphabet
from model.head import Reading
from utils.decode.ctc.scores import Lengths, prepare, text_probabilities


@dataclass(frozen=True)
class BestPath:
    """The most probable class of each time step.

    Attributes:
        classes: int64 [B, T].
        log_probs: float64 [B, T], the logarithm of its probability.
        real: bool [B, T], False for padding.
    """

    classes: np.ndarray
    log_probs: np.ndarray
    real: np.ndarray


def best_path(log_probs: Tensor, lengths: Tensor) -> BestPath:
    """Find the best path of each sample; from a GPU, only these two values of each step are copied.

    Args:
        log_probs: logarithms of probabilities, float [B, T, classes].
        lengths: int64 [B] on the CPU.
    """
    values, classes = log_probs.max(dim=2)
    real = np.arange(log_probs.shape[1]) < lengths.numpy()[:, None]
    return BestPath(classes.cpu().numpy(), values.cpu().numpy().astype(np.float64), real)


def easyocr_confidence(path: BestPath) -> np.ndarray:
    """Return EasyOCR's confidence of each sample, float64 [B].

    With p_1 .. p_n the probabilities of the best class at the steps where that class is not the blank (every step of a
    character that spans several, too): (p_1 * ... * p_n) ** (2 / sqrt(n)), and 0 without such a step. EasyOCR names it
    `custom_mean`. Unlike there, steps that are padding do not count.
    """
    written = path.real & (path.classes != BLANK)
    steps = written.sum(axis=1)
    logs = np.where(written, path.log_probs, 0.0).sum(axis=1)
    return np.where(steps > 0, np.exp(logs * 2 / np.sqrt(np.maximum(steps, 1))), 0.0)


def make_readings(
    texts: Sequence[Sequence[int]], log_probs: Tensor, lengths: Tensor, path: BestPath, alphabet: Alphabet
) -> list[Reading]:
    """Return the texts of a batch with confidence and probability.

    Args:
        texts: the text of each sample, as classes of characters.
        log_probs: float [B, T, C], logarithms of the classes' probabilities.
        lengths: int64 [B], time steps of each sample without padding.
        path: the best path through `log_probs`.
        alphabet: the characters of the classes.
    """
    probabilities = text_probabilities(log_probs, lengths, texts)
    return [
        Reading(alphabet.decode(text), float(confidence), probability)
        for text, confidence, probability in zip(texts, easyocr_confidence(path), probabilities, strict=True)
    ]


def decode_greedy(
    log_probs: Tensor | np.ndarray,
    lengths: Lengths | None,
    alphabet: Alphabet,
) -> list[Reading]:
    """Read a batch.

    Args:
        log_probs: float [B, T, classes], logarithms of probabilities or logits.
        lengths: int [B], time steps of each sample without padding; None if no sample is padded.
        alphabet: the characters of the classes.

    Raises:
        ValueError: the shapes, the alphabet and the lengths do not fit together.
    """
    scores, counts = prepare(log_probs, lengths, alphabet)
    path = best_path(scores, counts)
    return make_readings(merge_path(path), scores, counts, path, alphabet)


def merge_path(path: BestPath) -> list[list[int]]:
    """Return the classes of the characters of each path, with repeats merged and blanks removed."""
    begins = np.ones_like(path.real)
    begins[:, 1:] = path.classes[:, 1:] != path.classes[:, :-1]
    written = begins & path.real & (path.classes != BLANK)
    return [classes[kept].tolist() for classes, kept in zip(path.classes, written, strict=True)]
