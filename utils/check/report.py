"""The report of a check: sections of text, the same figures for programs, and the verdict."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from utils.draw.picture_file import picture_path
from utils.files import write_text

LIMIT = 50_000
"""Maximum number of samples of a dataset that are examined; `deep` examines all."""


@dataclass(frozen=True)
class CheckOptions:
    """The options of a check.

    Attributes:
        deep: decode every image, read every annotation, and search for re-encoded copies.
        allow_leaks: test images among the training images are a remark instead of a problem.
        timing: run a few iterations to measure the cost.
        draw: path of a sheet of samples, or None.
        json: path of a file for all figures, or None.

    Raises:
        UserError: no picture can be written at `draw`.
    """

    deep: bool = False
    allow_leaks: bool = False
    timing: bool = True
    draw: str | None = None
    json: str | None = None

    def __post_init__(self) -> None:
        if self.draw is not None:
            picture_path("--draw", self.draw)

    def limit(self, sizes: Iterable[int]) -> int:
        """Return how many samples of a dataset are examined; `sizes` are those of all datasets."""
        return max(sizes, default=0) if self.deep else LIMIT


@dataclass
class Report:
    """Collects findings, and passes on each section of text as soon as it is complete.

    Attributes:
        say: called with each block of text.
        problems: sentences about faults that must be fixed before training.
        remarks: sentences about what may be a fault.
        figures: everything that was measured, as plain values for JSON.
    """

    say: Callable[[str], Any]
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def section(self, title: str, lines: Sequence[str]) -> None:
        """Pass a section on, unless it has no lines."""
        if lines:
            self.say("\n".join([title, *(f"  {line}" for line in lines), ""]))

    def verdict(self, ready: str) -> str:
        """Return the last lines of the report.

        Args:
            ready: the verdict if there is no problem, such as "ready to train".
        """
        lines = [f"verdict: {ready}"]
        if self.problems:
            lines = ["verdict: not ready to train; fix first:", *_numbered(self.problems)]
        if self.remarks:
            lines = ["worth a look:", *(f"  - {remark}" for remark in self.remarks), "", *lines]
        return "\n".join(lines)

    def require(self, sources: Sequence[object]) -> None:
        """Raise `UserError` if a job has neither a dataset nor a problem with one."""
        if not sources and not self.problems:
            raise UserError("the configuration names no dataset; list at least one under `train.datasets` or `test`")

    def finish(self, options: CheckOptions, *, trains: bool) -> Report:
        """Pass the verdict on and write the figures if requested; `trains` tells whether there is training data."""
        nothing = "the test data is in order; there is nothing to train on (train.datasets is empty)"
        self.say(self.verdict("ready to train" if trains else nothing))
        if options.json is not None:
            text = json.dumps(self.values(), indent=1, ensure_ascii=False, default=str)
            write_text(Path(options.json), text + "\n")
        return self

    def values(self) -> dict[str, Any]:
        """Return all figures and findings as plain values."""
        return {**self.figures, "problems": self.problems, "remarks": self.remarks, "ready": not self.problems}


def raise_problems(report: Report) -> None:
    """Raise a `UserError` of one sentence if the report has problems."""
    if report.problems:
        further = len(report.problems) - 1
        more = f" (and {further} more, see the verdict)" if further else ""
        raise UserError(f"not ready to train: {report.problems[0]}{more}")


def some(items: Sequence[str], limit: int = 3) -> str:
    """Join the first few items, with the number of the rest."""
    rest = len(items) - limit
    return ", ".join(items[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(count: int, noun: str) -> str:
    """Return "1 image", "2 images"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(part: float, whole: float) -> str:
    """Return a share such as "12 %", "0.04 %" or "0"; "-" if `whole` is 0."""
    if not whole:
        return "-"
    share = 100 * part / whole
    return "0" if not part else f"{share:.0f} %" if share >= 9.95 else f"{share:.2g} %"


def quantiles(values: np.ndarray, points: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> list[float]:
    """Return the quantiles at `points`, in 0..1, of values [N], rounded to a tenth; no quantiles if N is 0."""
    return [round(float(value), 1) for value in np.quantile(values, points)] if len(values) else []


def _numbered(sentences: Sequence[str]) -> list[str]:
    return [f"  {position}. {sentence}" for position, sentence in enumerate(sentences, 1)]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress log messages below the level ERROR inside the block."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
