"""Options that all readers share: how much may be dropped, and which samples are used."""

from __future__ import annotations

import numpy as np

from config.errors import UserError
from data.reader import DropReport


def words_dropped(report: DropReport) -> int:
    """Return how many words were left out; their reasons begin with "word:"."""
    return sum(count for reason, count in report.dropped.items() if reason.startswith("word:"))


def check_dropped(report: DropReport, max_dropped: float, source: str) -> None:
    """Raise `UserError` if a greater share of the words than `max_dropped` was left out as faulty.

    Args:
        report: counts over the whole source.
        max_dropped: the dataset's option, 0..1.
        source: name of the dataset, for the message.
    """
    lost = words_dropped(report)
    total = lost + report.words
    if total == 0 or lost <= max_dropped * total:
        return
    worst = sorted(
        ((count, reason) for reason, count in report.dropped.items() if reason.startswith(("word:", "image:"))),
        key=lambda item: (-item[0], item[1]),
    )[:3]
    reasons = "; ".join(f"{count:,} x {reason} (e.g. {', '.join(report.examples[reason])})" for count, reason in worst)
    raise UserError(
        f"{source}: {lost:,} of {total:,} words ({lost / total:.2%}) are faulty, more than `max_dropped` "
        f"({max_dropped:g}) allows: {reasons}; mend them, or raise this dataset's `max_dropped`"
    )


def choose_samples(total: int, samples: int, source: str) -> np.ndarray | None:
    """Return the indices of an evenly spread subset, int64 [samples], or None if all `total` samples are used.

    Raises:
        UserError: nothing would be left.
    """
    if total == 0:
        raise UserError(f"{source}: there is no usable image")
    if samples == 0:
        raise UserError(f"{source}: `samples: 0` leaves no image; give a positive number, or -1 for all")
    if samples < 0 or samples >= total:
        return None
    return np.arange(samples, dtype=np.int64) * total // samples
