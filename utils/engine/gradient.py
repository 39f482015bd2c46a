"""The seed of what is random in an iteration."""

from __future__ import annotations

import numpy as np
import torch

_DROPOUT = 5
"""Tells these random numbers from those that the same seed gives to the data, see `data.order`."""


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed what the network itself draws in an iteration, such as dropout: a function of these three numbers, so that a
    resumed run draws what an undisturbed one does."""
    word = np.random.SeedSequence((seed, _DROPOUT, step, rank)).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(word >> np.uint64(1)))
