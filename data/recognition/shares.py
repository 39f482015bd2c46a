"""Shares of several datasets in every batch: `batch_ratio` and `total_data_usage_ratio`.

In deep-text-recognition-benchmark and EasyOCR's trainer a share of less than a sample becomes a whole one, so that
batches grow; here every batch has its size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from config.errors import UserError


def batch_counts(ratios: Sequence[float], batch_size: int) -> list[int]:
    """Return how many samples of a batch each dataset gives.

    Ratios need not add up to 1. The counts are the exact shares rounded down, and one more where the largest
    remainders are (the first of equal ones); they add up to `batch_size`. A dataset whose ratio is above 0 gives one
    sample at least, which the one with the largest count is short of.

    Raises:
        UserError: a ratio is no share, all are 0, or there are more datasets than samples.
    """
    if not ratios or any(not math.isfinite(ratio) or ratio < 0 for ratio in ratios) or sum(ratios) <= 0:
        raise UserError(f"batch_ratio is {list(ratios)}; give one number above 0 for each dataset")
    wanted = sum(ratio > 0 for ratio in ratios)
    if wanted > batch_size:
        raise UserError(f"batch_size ({batch_size}) is less than one sample for each of {wanted} datasets; raise it")
    total = math.fsum(ratios)
    exact = [ratio / total * batch_size for ratio in ratios]
    # What is a whole number but for rounding is one.
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
