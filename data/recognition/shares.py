"""Shares of several datasets in every batch: `batch_ratio` and `total_data_usage_ratio`.

In deep-text-recognition-benchmark and EasyOCR's trainer a share of less than one sample is rounded up, so that batches
become larger; here every batch has `batch_size` samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from config.errors import UserError


def batch_counts(ratios: Sequence[float], batch_size: int) -> list[int]:
    """Return how many samples of a batch each dataset gives.

    Ratios need not add up to 1. The counts are the exact shares rounded down, plus one for the largest remainders (the
    first of equal ones), so that they add up to `batch_size`. A dataset with a ratio above 0 gives at least one sample,
    which is taken from the dataset with the largest count.

    Raises:
        UserError: a ratio is negative or not finite, all are 0, or there are more datasets than samples.
    """
    if not ratios or any(not math.isfinite(ratio) or ratio < 0 for ratio in ratios) or sum(ratios) <= 0:
        raise UserError(f"batch_ratio is {list(ratios)}; give one number above 0 for each dataset")
    wanted = sum(ratio > 0 for ratio in ratios)
    if wanted > batch_size:
        raise UserError(f"batch_size ({batch_size}) is less than one sample for each of {wanted} datasets; raise it")
    total = math.fsum(ratios)
    exact = [ratio / total * batch_size for ratio in ratios]
    # A share that differs from a whole number only by rounding counts as whole.
    counts = [math.floor(share + 1e-9) for share in exact]
    by_remainder = sorted(range(len(ratios)), key=lambda place: counts[place] - exact[place])
    for place in by_remainder[: batch_size - sum(counts)]:
        counts[place] += 1
    for place, ratio in enumerate(ratios):
        if ratio > 0 and counts[place] == 0:
            counts[counts.index(max(counts))] -= 1
            counts[place] = 1
    return counts


def used_samples(total: int, ratio: float) -> int:
    """Return how many of a dataset's samples `total_data_usage_ratio` takes: at least one.

    Raises:
        UserError: the ratio is not above 0 and at most 1.
    """
    if not 0 < ratio <= 1:
        raise UserError(f"total_data_usage_ratio is {ratio}; give a number above 0 and at most 1")
    return max(1, min(total, math.floor(total * ratio + 1e-9)))
