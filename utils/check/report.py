"""What a check says: sections of text for a person, the same figures for a program, and the verdict."""

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
"""Samples of a dataset whose annotations are read, or pictures looked at; all of them with `deep`."""


@dataclass(frozen=True)
class CheckOptions:
    """What to look at besides what is always looked at.

    Attributes:
        deep: decode every image, read every annotation, and look for re-encoded copies.
        allow_leaks: test images among the training images are remarked upon, and no problem.
        timing: run a few iterations.
        draw: write a sheet of samples there.
        json: write all figures there.

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
        """Return how many samples of a dataset are looked at closely; `sizes` are those of all datasets."""
        return max(sizes, default=0) if self.deep else LIMIT


@dataclass
class Report:
    """Collects findings, and hands each section of text over as soon as it is complete.

    Attributes:
        say: takes one block of text.
        problems: sentences about what has to be mended before training.
        remarks: sentences about what is worth a look.
        figures: everything that was measured, as plain values for JSON.
    """

    say: Callable[[str], Any]
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def section(self, title: str, lines: Sequence[str]) -> None:
        """Hand over a section; one without lines is left out."""
        if lines:
            self.say("\n".join([title, *(f"  {line}" for line in lines), ""]))

    def verdict(self, ready: str) -> str:
        """Return the last lines of the report.

        Args:
            ready: what to say where there is no problem, such as "ready to train".
        """
        lines = [f"verdict: {ready}"]
        if self.problems:
            lines = ["verdict: not ready to train; fix first:", *_numbered(self.problems)]
        if self.remarks:
            lines = ["worth a look:", *(f"  - {remark}" for remark in self.remarks), "", *lines]
        return "\n".join(lines)

    def require(self, sources: Sequence[object]) -> None:
        """Raise `UserError` where a job has neither a dataset nor a problem with one."""
        if not sources and not self.problems:
            raise UserError("the configuration names no dataset; list at least one under `train.datasets` or `test`")

    def finish(self, options: CheckOptions, *, trains: bool) -> Report:
        """Hand over the verdict on a job that has data to train on, or has none, and write the figures if asked to."""
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
    """Raise a `UserError` of one sentence where the report has problems."""
    if report.problems:
        others = len(report.problems) - 1
        more = f" (and {others} more, see the verdict)" if others else ""
        raise UserError(f"not ready to train: {report.problems[0]}{more}")


def some(items: Sequence[str], limit: int = 3) -> str:
    """Join the first few items, saying how many more there are."""
    rest = len(items) - limit
    return ", ".join(items[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(number: int, noun: str) -> str:
    """Return "1 image", "2 images"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def percent(part: float, whole: float) -> str:
    """Return a share such as "12 %", "0.04 %" or "0"; "-" of nothing."""
    if not whole:
        return "-"
    share = 100 * part / whole
    return "0" if not part else f"{share:.0f} %" if share >= 9.95 else f"{share:.2g} %"


def quantiles(values: np.ndarray, points: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> list[float]:
    """Return quantiles of the values, rounded to a tenth; none of an empty array."""
    return [round(float(value), 1) for value in np.quantile(values, points)] if len(values) else []


def _numbered(sentences: Sequence[str]) -> list[str]:
    return [f"  {number}. {sentence}" for number, sentence in enumerate(sentences, 1)]


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Log nothing below an error meanwhile."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
