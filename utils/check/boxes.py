"""The sizes of the words in pixels of the network's input, and boxes that cannot be right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from config.schema.augmentation import Augmentation
from config.schema.detection import DetectionConfig
from data.augment.geometry import sample_matrix
from data.io.progress import progress_bar
from data.readers.quads import outside_image, quad_faults
from data.sample import TextSample, transform_points
from utils.check.counts import Census
from utils.check.probe import Survey
from utils.check.report import Report, counted, percent, quantiles
from utils.check.sources import Source
from utils.evaluate.results import table

SMALL = 8.0
"""Height in pixels of the network's input. A smaller word has fewer than 4 rows in the half-resolution map, too few to
separate its characters."""

_BEYOND = 2.0
"""Pixels by which a box may cross the image border without being counted."""


@dataclass
class BoxFigures:
    """Sizes of the words of a dataset, "don't care" ones left out.

    Attributes:
        stored: heights in pixels of the image file, of every word.
        seen: heights in pixels of the network's input; for training data, of the words whose centre lies in a random
            crop of each image.
        lost: words that lie outside the crops.
        degenerate, outside, beyond: boxes without area or with crossing sides, boxes completely outside the image, and
            boxes that cross its border.
        words: number of words examined, "don't care" words included.
        places: examples of `degenerate` and `outside`.
    """

    stored: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    lost: int = 0
    degenerate: int = 0
    outside: int = 0
    beyond: int = 0
    words: int = 0
    places: list[str] = field(default_factory=list)


def word_heights(quads: np.ndarray) -> np.ndarray:
    """Return the heights [N] of quads [N, 4, 2] across their reading direction: the mean of the two short ends."""
    left = np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
    right = np.linalg.norm(quads[:, 2] - quads[:, 1], axis=1)
    return (left + right) / 2


def measure_boxes(source: Source, survey: Survey, config: DetectionConfig, limit: int) -> BoxFigures:
    """Measure the boxes of up to `limit` readable images of a dataset."""
    found = BoxFigures()
    stored, seen = [], []
    rows = survey.readable
    rows = rows[np.arange(min(limit, len(rows))) * len(rows) // max(1, min(limit, len(rows)))]
    rng = np.random.default_rng(config.seed)
    for row in progress_bar(rows.tolist(), len(rows), f"boxes of {source.name}"):
        size = (int(survey.sizes[row, 0]), int(survey.sizes[row, 1]))
        index = int(survey.indices[row])
        sample = source.reader.annotation(index)
        quads = sample.word_quads[~sample.ignore]
        _count_faults(found, source, index, sample, size)
        stored.append(word_heights(quads))
        for matrix, inside in _views(source, sample, size, config, rng):
            heights = word_heights(transform_points(quads, matrix))
            seen.append(heights[inside])
            found.lost += int((~inside).sum())
    found.stored, found.seen = (np.concatenate([np.zeros(0, np.float32), *parts]) for parts in (stored, seen))
    return found


def report_boxes(report: Report, sources: list[Source], censuses: list[Census], figures: list[BoxFigures]) -> None:
    """Add the table of word heights and the faulty boxes."""
    rows, faults, values = [], [], {}
    for source, census, found in zip(sources, censuses, figures, strict=True):
        small = int((found.seen < SMALL).sum())
        points = quantiles(found.seen)
        per_image = quantiles(census.per_image)
        heights = [f"{point:.0f}" for point in points] or ["-"] * 5
        median, most = (per_image[2], census.per_image.max()) if per_image else (0, 0)
        rows.append((source.name, *heights, percent(small, len(found.seen)), f"{median:g}", f"{most:,}"))
        for count, what in (
            (found.degenerate, "whose box has no area or crossing sides"),
            (found.outside, "completely outside the image"),
            (found.beyond, f"that cross the image border by more than {_BEYOND:g} pixels"),
        ):
            if count:
                faults.append(f"{source.name}: {counted(count, 'word')} {what}")
        values[source.name] = _figures(census, found, small)
        _judge(report, source, found, small)
    report.figures["boxes"] = values
    header = ("dataset", "5 %", "25 %", "median", "75 %", "95 %", f"under {SMALL:g} px", "words/image", "most")
    title = "Word heights in pixels of the network's input (training: random crops; tests: canvas_size and mag_ratio)"
    report.section(title, table(header, rows) + faults)


def _views(
    source: Source, sample: TextSample, size: tuple[int, int], config: DetectionConfig, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield a matrix [3, 3] from the image to the network's input, and which words, bool [W], are in it."""
    quads = sample.word_quads[~sample.ignore]
    if not source.is_training:
        test = config.test[source.name.removeprefix("test.")]
        longer = max(size)
        scale = min(test.mag_ratio * longer, test.canvas_size) / longer
        yield np.diag([scale, scale, 1.0]), np.ones(len(quads), bool)
        return
    side = config.train.data.output_size
    # The geometry depends on the image size only, so a broadcast view of a single byte replaces the pixels.
    empty = replace(sample, image=np.broadcast_to(np.uint8(0), (*size, 3)))
    matrix = sample_matrix(rng, empty, augmentation_of(source, config), side)
    middle = transform_points(quads, matrix).mean(1)
    yield matrix, ((middle >= 0) & (middle <= side - 1)).all(1)


def augmentation_of(source: Source, config: DetectionConfig) -> Augmentation:
    """Return the random changes that a training dataset's images go through."""
    weak = config.train.weak
    return weak.custom_aug if source.role == "words" and weak is not None else config.train.data.augment


def _count_faults(found: BoxFigures, source: Source, index: int, sample: TextSample, size: tuple[int, int]) -> None:
    height, width = size
    quads = sample.word_quads
    outside = outside_image(quads, height, width)
    # Words outside the image may also have a fault code of `quad_faults`; they are counted as outside only.
    degenerate = (quad_faults(quads) != 0) & ~outside
    low, high = quads.min(1, initial=np.inf), quads.max(1, initial=-np.inf)
    beyond = (low < -_BEYOND).any(1) | (high > np.array([width - 1, height - 1]) + _BEYOND).any(1)
    found.words += len(quads)
    found.outside += int(outside.sum())
    found.degenerate += int(degenerate.sum())
    found.beyond += int((beyond & ~outside).sum())
    for word in np.flatnonzero(outside | degenerate)[: max(0, 3 - len(found.places))].tolist():
        found.places.append(source.reader.place(index, word))


def _figures(census: Census, found: BoxFigures, small: int) -> dict[str, Any]:
    return {
        "height_px_quantiles": dict(zip(("5", "25", "50", "75", "95"), quantiles(found.seen), strict=False)),
        "height_px_in_the_file_quantiles": dict(
            zip(("5", "25", "50", "75", "95"), quantiles(found.stored), strict=False)
        ),
        "words_measured": len(found.seen),
        "words_outside_the_crops": found.lost,
        f"under_{SMALL:g}_px": small,
        "degenerate": found.degenerate,
        "outside": found.outside,
        "beyond_the_edge": found.beyond,
        "words_per_image_quantiles": dict(
            zip(("5", "25", "50", "75", "95"), quantiles(census.per_image), strict=False)
        ),
        "images_without_text": census.without_text,
    }


def _judge(report: Report, source: Source, found: BoxFigures, small: int) -> None:
    unusable = found.outside + found.degenerate
    if unusable:
        sentence = f"{source.name}: {counted(unusable, 'word')} without a usable place in the image"
        places, allowed = ", ".join(found.places), source.settings.max_dropped
        # Training leaves them out; an evaluation counts them as missed.
        if source.is_training and unusable > allowed * found.words:
            report.problems.append(
                f"{sentence} ({percent(unusable, found.words)}, more than `max_dropped` ({allowed:g}) allows; "
                f"e.g. {places}); correct them, or raise this dataset's `max_dropped`"
            )
        else:
            report.remarks.append(f"{sentence} (e.g. {places})")
    if small > 0.1 * len(found.seen):
        remedy = (
            "crop a smaller part of the image, or raise train.data.output_size"
            if source.is_training
            else f"raise {source.name}.canvas_size and {source.name}.mag_ratio"
        )
        report.remarks.append(
            f"{source.name}: {percent(small, len(found.seen))} of the words are under {SMALL:g} pixels high in the "
            f"network's input, too small for its half-resolution map; {remedy}"
        )
