"""Random draws from ranges and lists, and a hash that is the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def between(rng: np.random.Generator, limits: Sequence[float]) -> float:
    """Return a number drawn evenly from [least, greatest]."""
    return limits[0] + (limits[1] - limits[0]) * float(rng.random())


def between_log(rng: np.random.Generator, limits: Sequence[float]) -> float:
    """Return a positive number drawn evenly on a logarithmic scale from [least, greatest]."""
    return float(np.exp(between(rng, (np.log(limits[0]), np.log(limits[1])))))


def whole(rng: np.random.Generator, limits: Sequence[int]) -> int:
    """Return a whole number drawn evenly from least to greatest, both possible."""
    return int(rng.integers(limits[0], limits[1] + 1))


def pick(rng: np.random.Generator, items: Sequence[Item]) -> Item:
    """Return one of the items, each with the same probability."""
    return items[int(rng.integers(len(items)))]


def pick_by(rng: np.random.Generator, items: Sequence[Item], bounds: np.ndarray) -> Item:
    """Return one of N items; `bounds`, float64 [N], are their cumulative probabilities from `running_shares`."""
    return items[int(np.searchsorted(bounds, rng.random(), side="right"))]


def running_shares(weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the cumulative probabilities of weights, float [N]: their running sums / their sum, float64 [N]."""
    total = np.cumsum(np.asarray(weights, np.float64))
    shares = total / total[-1]
    shares[-1] = 1.0  # rounding must not leave room above the last one
    return shares


def stable_hash(*parts: object) -> int:
    """Return a 64-bit hash of the parts' text that is the same on every machine and in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
