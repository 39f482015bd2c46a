"""Shows the progress of a run: a bar on a terminal, otherwise lines in the log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

log = logging.getLogger(__name__)


@dataclass
class Meter:
    """Time and samples since the last reading."""

    samples: int = 0
    waiting: float = 0.0
    excluded: float = 0.0
    started: float = field(default_factory=time.perf_counter)

    def read(self) -> dict[str, float]:
        """Return images per second and the share of time spent waiting for data, in percent; then reset."""
        elapsed = max(1e-9, time.perf_counter() - self.started - self.excluded)
        values = {"images_per_s": self.samples / elapsed, "data_wait_percent": 100 * self.waiting / elapsed}
        self.samples, self.waiting, self.excluded, self.started = 0, 0.0, 0.0, time.perf_counter()
        return values


class Progress:
    """Context manager that shows the progress of a run from iteration `start` to `end`.

    Args:
        start, end: first and last iteration.
        shown: whether this process shows the progress.
    """

    def __init__(self, start: int, end: int, *, shown: bool = True) -> None:
        self._terminal = shown and sys.stderr.isatty()
        self._shown = shown
        self._start, self._end = start, end
        self._begun = time.perf_counter()
        self._bar = tqdm(
            total=end, initial=start, desc="training", unit="it", dynamic_ncols=True, disable=not self._terminal
        )
        self._redirect = logging_redirect_tqdm(loggers=[logging.getLogger()])

    def __enter__(self) -> Progress:
        if self._terminal:
            self._redirect.__enter__()
        return self

    def __exit__(self, *fault: object) -> None:
        self._bar.close()
        if self._terminal:
            self._redirect.__exit__(*fault)

    def advance(self) -> None:
        self._bar.update()

    def report(self, step: int, values: Mapping[str, float | None]) -> None:
        """Show the figures of the last iterations."""
        if not self._shown:
            return
        loss = values["loss"]
        figures = (
            f"loss {'not finite' if loss is None else format(loss, '.4f')}  {values['images_per_s']:.1f} img/s  "
            f"wait {values['data_wait_percent']:.0f}%  mem {values['peak_memory_gb']:.1f} GB"
        )
        if self._terminal:
            self._bar.set_postfix_str(figures, refresh=False)
            return
        elapsed = time.perf_counter() - self._begun
        remaining = elapsed / max(1, step - self._start) * (self._end - step)
        log.info("iteration %d/%d  %s  left %s", step, self._end, figures, tqdm.format_interval(remaining))
