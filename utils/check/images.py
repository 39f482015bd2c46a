"""Properties of the image files: sizes, modes, orientation, and which files cannot be read."""

from __future__ import annotations

from typing import Any

import numpy as np

from utils.check.probe import Survey
from utils.check.report import Report, counted, percent, some
from utils.check.sources import Source
from utils.evaluate.results import table

_NAMED = 10


def report_images(
    report: Report, sources: list[Source], surveys: list[Survey], *, deep: bool, max_unreadable: float
) -> None:
    """Add the table of image sizes and the list of unreadable images.

    Args:
        report: the report.
        sources: the datasets.
        surveys: the survey of each.
        deep: whether every image was decoded; otherwise only its header was read.
        max_unreadable: maximum share of a dataset's images that may be unreadable.
    """
    rows, broken, figures = [], [], {}
    for source, survey in zip(sources, surveys, strict=True):
        sizes = survey.sizes[survey.readable]
        rows.append((source.name, f"{len(survey.indices):,}", *_extremes(sizes), _modes(survey)))
        broken += [f"{source.name}: {fault}" for fault in survey.unreadable]
        figures[source.name] = _figures(survey)
        _judge(report, source, survey, max_unreadable)
    report.figures["images"] = figures
    header = ("dataset", "looked at", "smallest", "median", "largest", "modes")
    how = "every image decoded" if deep else "headers; --deep decodes every image"
    lines = table(header, rows)
    if broken:
        lines += [f"{len(broken):,} cannot be read:", *(f"  {fault}" for fault in broken[:_NAMED])]
        lines += [f"  and {len(broken) - _NAMED:,} more (--json FILE names them all)"] if len(broken) > _NAMED else []
    report.section(f"Images ({how}; width x height)", lines)


def _extremes(sizes: np.ndarray) -> tuple[str, str, str]:
    """Return the image sizes of minimum, median and maximum area as text."""
    if not len(sizes):
        return "-", "-", "-"
    order = np.argsort(sizes.astype(np.int64).prod(1), kind="stable")
    picked = [sizes[order[place]] for place in (0, (len(order) - 1) // 2, -1)]
    least, median, greatest = (f"{width}x{height}" for height, width in picked)
    return least, median, greatest


def _modes(survey: Survey) -> str:
    return ", ".join(f"{count:,} {mode}" for mode, count in survey.modes.most_common(3)) or "-"


def _figures(survey: Survey) -> dict[str, Any]:
    sizes = survey.sizes[survey.readable].astype(np.int64)
    longer = sizes.max(1, initial=0)
    return {
        "looked_at": len(survey.indices),
        "unreadable": survey.unreadable,
        "modes": dict(survey.modes),
        "exif_rotated": survey.rotated,
        "longer_side": {
            "min": int(longer.min()), "median": float(np.median(longer)), "max": int(longer.max())
        } if len(longer) else {},
        "file_bytes": int(survey.bytes.sum()),
    }  # fmt: skip


def _judge(report: Report, source: Source, survey: Survey, max_unreadable: float) -> None:
    looked, broken = len(survey.indices), survey.unreadable
    if broken and (len(broken) > max_unreadable * looked or len(broken) == looked):
        report.problems.append(
            f"{source.name}: {len(broken):,} of {looked:,} images ({percent(len(broken), looked)}) cannot be read "
            f"(e.g. {broken[0]}); repair or remove them"
        )
    elif broken:
        report.remarks.append(
            f"{source.name}: {len(broken):,} of {looked:,} images cannot be read and will be replaced by others "
            f"(e.g. {broken[0]})"
            if source.is_training
            else f"{source.name}: {len(broken):,} of {looked:,} images cannot be read and will count as without "
            f"detections (e.g. {broken[0]})"
        )
    if survey.rotated:
        how = "which is applied" if source.upright else "which is ignored"
        report.remarks.append(
            f"{source.name}: {counted(len(survey.rotated), 'image')} with an EXIF orientation, {how} (e.g. "
            f"{some(survey.rotated)}); --draw shows whether their boxes fit"
        )
