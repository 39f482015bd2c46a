"""The inputs of the network: sizes of the pictures, widths of the inputs, padding, and labels that are too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.schema.recognition import RecognitionConfig
from data.order import SampleOrder
from data.recognition.buckets import BATCHES, WidthOrder, padding_share
from data.recognition.label_room import labels_without_room
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader
from data.recognition.shares import batch_counts
from data.recognition.training_set import PART_SEED
from data.recognition.widths import TextWidths, input_widths, picture_sizes, squeezed
from model.head import Head
from model.recognizer import Recognizer
from utils.check.report import Report, counted, percent, quantiles
from utils.check.word_sources import WordSource
from utils.evaluate.results import table

_WINDOWS = 2
_SQUEEZED = 0.01
"""A larger share of squeezed pictures is a remark."""


@dataclass(frozen=True)
class Pictures:
    """Sizes of some samples of a dataset.

    Attributes:
        reader: these samples.
        sizes: int32 [N, 2], height and width; 0 if a picture cannot be read.
        widths: int16 [N], widths of their inputs.
        keys: [N], the values that they are sorted into buckets by.
    """

    reader: WordReader
    sizes: np.ndarray
    widths: np.ndarray
    keys: np.ndarray


def look_at_pictures(source: WordSource, preprocess: WordPreprocess, limit: int) -> Pictures:
    """Read the sizes of up to `limit` pictures."""
    reader = source.some(limit)
    sizes = picture_sizes(reader)
    widths = input_widths(sizes, preprocess)
    readable = sizes.min(axis=1, initial=1) > 0
    keys = widths
    if source.drawn:
        keys = np.zeros(len(reader), np.int32)
    if source.drawn and not source.slow_labels:
        keys[readable] = TextWidths(reader)[np.flatnonzero(readable)]
    return Pictures(reader, sizes, widths, keys)


def report_inputs(
    report: Report, sources: Sequence[WordSource], pictures: Sequence[Pictures], config: RecognitionConfig
) -> None:
    """Add the table of sizes and input widths, and the share of padding."""
    preprocess = WordPreprocess.of(config.train.data)
    rows, figures = [], {}
    for source, seen in zip(sources, pictures, strict=True):
        readable = seen.sizes[seen.sizes.min(axis=1, initial=1) > 0]
        broken = len(seen.sizes) - len(readable)
        long = len(squeezed(readable, preprocess)) if len(readable) else 0
        heights, widths = (quantiles(side, (0.05, 0.5, 0.95)) for side in readable.T)
        inputs = quantiles(seen.widths, (0.05, 0.5, 0.95)) if len(readable) else []
        rows.append((
            source.name, f"{len(seen.sizes):,}", *(_range(values) for values in (heights, widths, inputs)),
            percent(long, len(readable)), f"{broken:,}",
        ))  # fmt: skip
        figures[source.name] = {
            "looked_at": len(seen.sizes), "unreadable": broken, "height": heights, "width": widths,
            "input_width": inputs, "squeezed": long,
        }  # fmt: skip
        _judge(report, source, long, broken, len(seen.sizes), config)
    training = [(source, seen) for source, seen in zip(sources, pictures, strict=True) if source.is_training]
    lines = table(("dataset", "looked at", "height", "width", "input width", "squeezed", "unreadable"), rows)
    if training:
        lines += _padding(figures, [seen for _, seen in training], [source for source, _ in training], config)
    report.figures["inputs"] = figures
    report.section("Pictures and inputs (pixels: median, and 5 % to 95 %)", lines)


def report_room(
    report: Report,
    sources: Sequence[WordSource],
    pictures: Sequence[Pictures],
    config: RecognitionConfig,
    network: Recognizer,
    head: Head,
) -> None:
    """Add the training labels that are too long for their pictures, and what would help."""
    preprocess = WordPreprocess.of(config.train.data)
    lines, figures = [], {}
    for source, seen in zip(sources, pictures, strict=True):
        if not source.is_training:
            continue
        rows = np.flatnonzero(seen.sizes.min(axis=1, initial=1) > 0)
        needed = [head.required_steps(seen.reader.text(row)) for row in rows.tolist()]
        lacking = labels_without_room(needed, seen.sizes[rows], preprocess, network.output_length)
        figures[source.name] = {"looked_at": lacking.total, "without_room": len(lacking)}
        if not len(lacking):
            continue
        figures[source.name]["remedy"] = lacking.remedy()
        sentence = (
            f"{source.name}: {lacking.sentence(lambda row, seen=seen, rows=rows: seen.reader.name(int(rows[row])))}"
        )
        lines.append(sentence)
        if lacking.share > config.train.max_zeroed:
            report.problems.append(f"{sentence}; or allow it with train.max_zeroed")
        else:
            report.remarks.append(f"{sentence}; they give no gradient")
    report.figures["room"] = figures
    if figures:
        report.section("Labels that are too long for their pictures", lines or ["none"])


def padding(pictures: Sequence[Pictures], sizes: Sequence[int], config: RecognitionConfig) -> tuple[float, float]:
    """Return the share of padding in the pixels of the batches, 0..1, without and with buckets.

    Batches are made as in training; the examined samples represent the whole dataset.

    Args:
        pictures: the examined samples of each training set.
        sizes: number of samples in each training set.
        config: the job.
    """
    train = config.train
    widths = [seen.widths for seen in pictures]
    keys = [seen.keys for seen in pictures]
    if train.batch_ratio is None:
        widths, keys, sizes = [np.concatenate(widths)], [np.concatenate(keys)], [sum(sizes)]
        counts = [train.batch_size]
    else:
        counts = batch_counts(train.batch_ratio, train.batch_size)
    batches = train.data.bucket_batches or BATCHES
    steps = _WINDOWS * batches
    shares = []
    for bucketed in (False, True):
        parts = []
        for part, (width, key, size, count) in enumerate(zip(widths, keys, sizes, counts, strict=True)):
            # The few examined samples are repeated until they are as many as the batches need.
            places = np.arange(min(size, steps * count)) * len(width) // min(size, steps * count)
            seed = config.seed + part * PART_SEED
            order: SampleOrder | WidthOrder = SampleOrder(len(places), seed)
            if bucketed:
                order = WidthOrder(
                    len(places), seed, count, key[places], batches=batches, schedule_seed=config.seed
                )  # fmt: skip
            drawn = np.fromiter((order[position] for position in range(steps * count)), np.int64, steps * count)
            parts.append(width[places][drawn].reshape(steps, count))
        shares.append(padding_share(np.concatenate(parts, axis=1).reshape(-1), sum(counts)))
    return shares[0], shares[1]


def _padding(
    figures: dict, pictures: Sequence[Pictures], sources: Sequence[WordSource], config: RecognitionConfig
) -> list[str]:
    preprocess = WordPreprocess.of(config.train.data)
    if preprocess.fixed_width is not None:
        sizes = np.concatenate([seen.sizes[seen.sizes.min(axis=1, initial=1) > 0] for seen in pictures]).astype(
            np.int64
        )
        unpadded = np.broadcast_to(preprocess.resized_width(*sizes.T), len(sizes))
        share = 1 - float(unpadded.mean()) / preprocess.fixed_width if len(sizes) else 0.0
        figures["padding"] = {"fixed": share}
        return [
            f"every input is {preprocess.fixed_width} wide: {share:.0%} of it is padding, which is computed and read"
            + ("; pad_to=null pads to the longest of a batch" if preprocess.pad_to is not None else "")
        ]
    if len(sources) < len(config.train.datasets):
        return []  # A dataset cannot be opened, which is reported as a problem, so the batches are not known.
    plain, bucketed = padding(pictures, [len(source.reader) for source in sources], config)
    figures["padding"] = {"without_buckets": plain, "with_buckets": bucketed}
    used = "" if config.train.data.bucket_batches is not None else " (off: train.data.bucket_batches is null)"
    return [f"padding of the batches: {plain:.1%} in random order, {bucketed:.1%} with buckets by width{used}"]


def _range(values: Sequence[float]) -> str:
    return f"{values[1]:.0f} ({values[0]:.0f} to {values[2]:.0f})" if len(values) else "-"


def _judge(report: Report, source: WordSource, long: int, broken: int, looked: int, config: RecognitionConfig) -> None:
    if broken and (broken > config.train.max_unreadable * looked or broken == looked):
        report.problems.append(
            f"{source.name}: {broken:,} of {looked:,} pictures ({percent(broken, looked)}) cannot be read; repair or "
            "remove them"
        )
    elif broken:
        report.remarks.append(f"{source.name}: {counted(broken, 'picture')} of {looked:,} cannot be read")
    if long > _SQUEEZED * looked:
        report.remarks.append(
            f"{source.name}: {percent(long, looked)} of the pictures are longer than train.data.max_width "
            f"({config.train.data.max_width}) and are squeezed; raise it, or leave long labels out with max_length"
        )
