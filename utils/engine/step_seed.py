"""The random numbers of a training step, such as dropout's: a function of seed, iteration and process alone."""

from __future__ import annotations

import numpy as np
import torch


def seed_step(seed: int, iteration: int, rank: int = 0) -> None:
    """Seed torch, on all devices, for the iteration about to be run; whatever has drawn from it before is forgotten."""
    words = np.random.SeedSequence((seed, 3, iteration, rank)).generate_state(2, np.uint32)
    torch.manual_seed(int(words[0]) << 31 ^ int(words[1]))
