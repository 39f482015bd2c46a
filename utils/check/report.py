"""What a check says: sections of text for a person, the same figures for a program, and the verdict."""

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
        further = len(report.problems) - 1
        more = f" (and {further} more, see the verdict)" if further else ""
        raise UserError(f"not ready to train: {report.problems[0]}{more}")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], text_columns: int = 1) -> list[str]:
    """Align a table: the first `text_columns` columns to the left, the others to the right.

    Args:
        header: names of the columns.
        rows: as many texts as the header has in each.
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
    """Join the first few items, saying how many more there are."""
    rest = len(items) - limit
    return ", ".join(items[:limit]) + (f" and {rest:,} more" if rest > 0 else "")


def counted(count: int, noun: str) -> str:
    """Return "1 image", "2 images"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(part: float, whole: float) -> str:
    """Return a share such as "12 %", "0.04 %" or "0"; "-" of nothing."""
    if not whole:
        return "-"
    share = 100 * part / whole
    return "0" if not part else f"{share:.0f} %" if share >= 9.95 else f"{share:.2g} %"


def quantiles(values: np.ndarray, points: Sequence[float] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> list[float]:
    """Return the quantiles at `points`, in 0..1, of values [N], rounded to a tenth; no quantiles if N is 0."""
    return [round(float(value), 1) for value in np.quantile(values, points)] if len(values) else []


def _numbered(sentences: Sequence[str]) -> list[str]:
    return [f"  {position}. {sentence}" for position, sentence in enumerate(sentences, 1)]
