"""Best-path decoding: the best class of each step, repeats merged, blanks left out (Graves et al., ICML 2006)."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from torch import Tensor

from data.recognition.alphabet import BLANK, Alphabet
from utils.decode.ctc.reading import BestPath, Reading, best_path, make_readings
from utils.decode.ctc.scores import Lengths, prepare


def decode_greedy(
    log_probs: Tensor | np.ndarray,
    lengths: Lengths | None,
    alphabet: Alphabet,
    *,
    allowed: Collection[str] | None = None,
) -> list[Reading]:
    """Read a batch.

    Args:
        log_probs: float [B, T, classes], logarithms of probabilities or logits.
        lengths: int [B], time steps of each sample without padding; None if no sample is padded.
        alphabet: the characters of the classes.
        allowed: the only characters that may be read; None allows all.

    Raises:
        ValueError: the shapes, the alphabet and the lengths do not fit together.
    """
    scores, counts = prepare(log_probs, lengths, alphabet, allowed)
    path = best_path(scores, counts)
    return make_readings(merge_path(path), scores, counts, path, alphabet)


def merge_path(path: BestPath) -> list[list[int]]:
    """Return the classes of the characters of each path, with repeats merged and blanks removed."""
    begins = np.ones_like(path.real)
    begins[:, 1:] = path.classes[:, 1:] != path.classes[:, :-1]
    written = begins & path.real & (path.classes != BLANK)
    return [classes[kept].tolist() for classes, kept in zip(path.classes, written, strict=True)]
