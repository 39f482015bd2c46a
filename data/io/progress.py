"""Progress of long work: a bar on a terminal, a line every 30 s in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

logger = logging.getLogger(__name__)

T = TypeVar("T")

_SECONDS_BETWEEN_LINES = 30.0


def progress_bar(
    items: Iterable[T] | None, total: int, work: str, *, unit: str = "image", shown: bool = True, logged: bool = False
) -> tqdm[T]:
    """Return a progress bar that yields `items`; on a terminal it appears after a second and is removed at the end.

    Args:
        items: what is worked on; None if the caller counts by `update`.
        total: number of items.
        work: name of the work, shown before the bar.
        unit: what an item is called, singular.
        shown: whether this process shows the bar.
        logged: without a terminal, write a line every 30 s instead.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        items,
        work,
        total,
        unit=unit,
        delay=1 if terminal else _SECONDS_BETWEEN_LINES,
        mininterval=0.1 if terminal else _SECONDS_BETWEEN_LINES,
        leave=False,
        dynamic_ncols=True,
        disable=not (shown and (terminal or logged)),
    )


class Progress:
    """Counts finished items of a job.

    Args:
        total: items of the job's shards.
        done: how many of them existed before.
        unit: what an item is called, singular.
        work: name of the job, shown before the bar.
    """

    def __init__(self, total: int, done: int, unit: str, work: str = "generate") -> None:
        self._total, self._before, self._done, self._unit = total, done, done, unit
        self._started = self._said = time.monotonic()
        self._bar: tqdm | None = None
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, initial=done, unit=unit, desc=work, smoothing=0.05)

    def update(self) -> None:
        """Count one item."""
        self._done += 1
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() - self._said >= _SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            logger.info("%s", self._line())

    def close(self) -> None:
        """Remove the bar from the terminal."""
        if self._bar is not None:
            self._bar.close()

    def summary(self) -> str:
        """Return what was made and how fast."""
        seconds, made = time.monotonic() - self._started, self._done - self._before
        return f"{made:,} {self._unit}s in {seconds:,.1f} s ({made / max(seconds, 1e-9):,.1f} {self._unit}s/s)"

    def _line(self) -> str:
        rate = (self._done - self._before) / max(time.monotonic() - self._started, 1e-9)
        left = tqdm.format_interval((self._total - self._done) / rate)
        share = self._done / self._total
        return (
            f"{self._done:,} of {self._total:,} {self._unit}s ({share:.0%}), {rate:,.1f} {self._unit}s/s, {left} left"
        )
