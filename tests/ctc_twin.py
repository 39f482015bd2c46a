"""CTC written as its definition and as its forward recursion read, in plain float64."""

from __future__ import annotations

import itertools

import numpy as np


def collapse(path) -> tuple[int, ...]:
    """Merge repeats, then leave out blanks (class 0)."""
    return tuple(label for label, _ in itertools.groupby(path) if label != 0)


def all_texts(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """Every text and its probability, by walking over all paths; log_probs [T, C]."""
    steps, classes = log_probs.shape
    texts: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(classes), repeat=steps):
        probability = float(np.exp(sum(log_probs[step, label] for step, label in enumerate(path))))
        text = collapse(path)
        texts[text] = texts.get(text, 0.0) + probability
    return texts


def forward_loss(log_probs: np.ndarray, text) -> float:
    """-ln P(text) by the forward algorithm; log_probs [T, C]."""
    states = [0]
    for label in text:
        states += [label, 0]
    alpha = [-np.inf] * len(states)
    alpha[0] = 0.0  # before the first step: nothing written, as if after a blank
    for row in log_probs:
        new = []
        for place, label in enumerate(states):
            ways = [alpha[place]]
            if place >= 1:
                ways.append(alpha[place - 1])
            if place >= 2 and label != 0 and label != states[place - 2]:
                ways.append(alpha[place - 2])
            new.append(np.logaddexp.reduce(ways) + row[label])
        alpha = new
    return -float(np.logaddexp.reduce(alpha[-2:]))


def random_log_probs(seed: int, *shape: int, sharpness: float = 1.0) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(size=shape) * sharpness
    return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
