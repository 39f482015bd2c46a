"""The report of a check: sections of text, the same figures for programs, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from utils.check.options import CheckOptions
from utils.files import write_text


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


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Return the aligned lines of a table: the first columns aligned to the left, the others to the right.

    Args:
        header: names of the columns.
        rows: the cells of each row, as many as the header has.
        text_columns: number of columns that are aligned to the left.
    """
    whole = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in whole) for column in range(len(header))]
    lines = []
    for row in whole:
        cells = [
            cell.ljust(width) if column < text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


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
