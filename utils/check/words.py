"""What a person wants to know before hours are spent on a recognition job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from config.schema.detection import NO_VALIDATION
from config.schema.recognition import RecognitionConfig
from data.recognition.alphabet import Alphabet
from data.recognition.preprocess import WordPreprocess
from model.recognizer import Recognizer
from model.registry import build_recognizer
from utils.check.options import LIMIT, CheckOptions
from utils.check.quick import quick_leaks
from utils.check.quiet import quiet
from utils.check.report import Report, percent, quantiles
from utils.check.word_copies import report_word_copies
from utils.check.word_inputs import look_at_pictures, report_inputs, report_room
from utils.check.word_labels import report_alphabet, report_word_counts
from utils.check.word_sources import WordSource, open_word_sources, read_labels
from utils.device import effective_amp, resolve_device
from utils.tasks.recognition import RecognitionTask, check_fits

_LOOKED, _LABELS = 200, 20_000


def check_words(config: RecognitionConfig, options: CheckOptions, say: Callable[[str], Any]) -> Report:
    """Check everything that a recognition job reads, and tell what it will cost.

    Args:
        config: the whole job.
        options: what to look at.
        say: takes each section of the report as it is complete.

    Returns:
        The report, whose `problems` are what has to be mended first.

    Raises:
        UserError: the options do not fit, or there is nothing to check.
    """
    report = Report(say)
    with quiet():
        sources, report.problems = open_word_sources(config)
    report.require(sources)
    closed = len(sources) < len(config.train.datasets) + len(config.test)
    network = _network(report, config)
    limit = options.limit(len(source.reader) for source in sources)
    if sources:
        labels = [read_labels(source, config) for source in sources]
        report_word_counts(report, sources, labels)
        report_alphabet(report, sources, labels, config)
        preprocess = WordPreprocess.of(config.train.data)
        pictures = [look_at_pictures(source, preprocess, limit) for source in sources]
        report_inputs(report, sources, pictures, config)
        if network is not None:
            report_room(report, sources, pictures, config, network)
        report_word_copies(report, sources, limit, allow_leaks=options.allow_leaks)
    if config.train.datasets and network is not None and not closed:
        _run(report, sources, config, options)
    elif options.draw is not None:
        report.remarks.append(f"{options.draw} was not drawn: the training data or the network cannot be had")
    return report.finish(options, trains=bool(config.train.datasets))


def quick_word_check(config: RecognitionConfig) -> list[str]:
    """Return lines for the log about the data of a job: counts, label lengths, sizes, plain leaks.

    A few hundred pictures of each dataset are looked at. Lines about what is wrong begin with "warning: ".
    """
    with quiet():
        # Training has counted what the alphabet leaves.
        sources, problems = open_word_sources(config, filtered=False)
    preprocess = WordPreprocess.of(config.train.data)
    lines = [_line(source, config, preprocess) for source in sources if len(source.reader)]
    lines += [f"warning: {problem}" for problem in problems]
    for copy in quick_leaks(sources)[:1]:
        left, right = sources[copy.first_source], sources[copy.second_source]
        lines.append(
            f"warning: {left.reader.name(copy.first)} is in both {left.name} and {right.name}, so the score would tell "
            "nothing; check.py names all such pictures"
        )
    return lines


def _line(source: WordSource, config: RecognitionConfig, preprocess: WordPreprocess) -> str:
    lengths = quantiles(read_labels(source, config, _LABELS).lengths, (0.0, 0.5, 1.0))
    seen = look_at_pictures(source, preprocess, _LOOKED)
    readable = seen.sizes.min(axis=1, initial=1) > 0
    parts = [f"{source.name}: {len(source.reader):,} words"]
    if lengths:
        parts.append("labels of {0:g} to {2:g} characters, median {1:g}".format(*lengths))
    if readable.any():
        low, median, high = quantiles(seen.widths[readable], (0.05, 0.5, 0.95))
        parts.append(f"inputs {median:.0f} px wide ({low:.0f} to {high:.0f})")
        height, width = seen.sizes[readable].T.astype(np.int64)
        long = int(np.sum(np.broadcast_to(preprocess.is_squeezed(height, width), height.shape)))
        if long:
            parts.append(f"{percent(long, len(height))} of them squeezed")
    if not readable.all():
        parts.append(f"{int(np.sum(~readable))} of {len(readable)} pictures looked at cannot be read")
    return "; ".join(parts)


def _network(report: Report, config: RecognitionConfig) -> Recognizer | None:
    try:
        network = build_recognizer(config.model, Alphabet(config.characters).classes)
        check_fits(network, config)
    except UserError as fault:
        report.problems.append(str(fault))
        return None
    return network


def _run(report: Report, sources: list[WordSource], config: RecognitionConfig, options: CheckOptions) -> None:
    """Make the training task, which also loads the starting weights, and have it draw and run."""
    if not options.timing and options.draw is None and config.train.ckpt_path is None:
        return
    device = resolve_device(config.device)
    amp, _ = effective_amp(config.amp, device)
    try:
        with quiet():
            task = RecognitionTask(_tolerant(config, sources), device, amp)
    except UserError as fault:
        report.problems.append(str(fault))
        return
    if options.draw is not None:
        from utils.check.word_sheet import write_word_sheet

        drawn = write_word_sheet(Path(options.draw), task, config)
        report.say(f"{drawn} training pictures are drawn in {options.draw}: look whether the labels fit\n")
    if options.timing:
        from utils.check.word_cost import report_word_cost

        report_word_cost(report, task, config)


def _tolerant(config: RecognitionConfig, sources: list[WordSource]) -> RecognitionConfig:
    """Return the job as it can be looked at with all its faults, which are in the report already, and quickly."""
    datasets = [settings.model_copy(update={"max_dropped": 1.0}) for settings in config.train.datasets]
    changed = {"datasets": datasets, "max_zeroed": 1.0, "validation": NO_VALIDATION}
    training = [source for source in sources if source.is_training]
    longest = max((len(source.reader) for source in training), default=0)
    if longest > LIMIT and not any(source.drawn for source in training):
        changed["total_data_usage_ratio"] = min(config.train.total_data_usage_ratio, LIMIT / longest)
    return config.model_copy(update={"train": config.train.model_copy(update=changed)})
