"""The check of a recognition job before training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from config.schema.recognition import RecognitionConfig
from data.recognition.alphabet import Alphabet
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader
from model.head import Head
from model.recognizer import Recognizer
from model.registry import build_recognizer
from utils.check.cost import report_cost, trial_task
from utils.check.duplicates import report_word_copies
from utils.check.quick import quick_lines
from utils.check.report import LIMIT, CheckOptions, Report, percent, quantiles, quiet
from utils.check.word_inputs import look_at_pictures, report_inputs, report_room
from utils.check.word_labels import report_alphabet, report_word_counts
from utils.check.word_sources import WordSource, open_word_sources, read_labels
from utils.decode.words import make_head
from utils.tasks.recognition import check_fits
from utils.tasks.registry import look_up_names

_LOOKED, _LABELS = 200, 20_000


def check_words(config: RecognitionConfig, options: CheckOptions, say: Callable[[str], Any]) -> Report:
    """Check a recognition job; see `utils.check.jobs.check_job`."""
    look_up_names(config)
    report = Report(say)
    head = make_head(config.model, Alphabet(config.characters))
    with quiet():
        sources, report.problems = open_word_sources(config)
    report.require(sources)
    closed = len(sources) < len(config.train.datasets) + len(config.test)
    network = _network(report, config, head)
    limit = options.limit(len(source.reader) for source in sources)
    if sources:
        labels = [read_labels(source, config) for source in sources]
        report_word_counts(report, sources, labels)
        report_alphabet(report, sources, labels, config)
        preprocess = WordPreprocess.of(config.train.data)
        pictures = [look_at_pictures(source, preprocess, limit) for source in sources]
        report_inputs(report, sources, pictures, config)
        if network is not None:
            report_room(report, sources, pictures, config, network, head)
        report_word_copies(report, sources, limit, allow_leaks=options.allow_leaks)
    if config.train.datasets and network is not None and not closed:
        _run(report, sources, config, options)
    elif options.draw is not None:
        report.remarks.append(f"{options.draw} was not drawn, because of the problems of training data or network")
    return report.finish(options, trains=bool(config.train.datasets))


def quick_word_check(config: RecognitionConfig, opened: Mapping[str, WordReader] | None = None) -> list[str]:
    """Return log lines about the data of a job: counts, label lengths, sizes, and obvious leaks.

    A few hundred pictures of each dataset are examined. Lines about faults begin with "warning: ".

    Args:
        config: the whole job.
        opened: datasets that training has opened already, by their place in the configuration.
    """
    with quiet():
        # Training counts the labels that the alphabet cannot write.
        sources, problems = open_word_sources(config, filtered=False, opened=opened)
    preprocess = WordPreprocess.of(config.train.data)
    return quick_lines(sources, problems, lambda source: _line(source, config, preprocess))


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


def _network(report: Report, config: RecognitionConfig, head: Head) -> Recognizer | None:
    try:
        network = build_recognizer(config.model, head.num_class)
        check_fits(network, config)
    except UserError as fault:
        report.problems.append(str(fault))
        return None
    return network


def _run(report: Report, sources: list[WordSource], config: RecognitionConfig, options: CheckOptions) -> None:
    """Create the training task, which also loads the initial weights, and draw its samples and time its steps."""
    if not options.timing and options.draw is None and config.train.ckpt_path is None:
        return
    readers = {source.name: source.whole for source in sources}
    task = trial_task(report, _tolerant(config, sources), readers, initial_weights=True)
    if task is None:
        return
    if options.draw is not None:
        from utils.check.sheet import write_word_sheet

        drawn = write_word_sheet(Path(options.draw), task)
        report.say(f"{drawn} training pictures are drawn in {options.draw}: check that the labels fit\n")
    if options.timing:
        report_cost(report, task, config)


def _tolerant(config: RecognitionConfig, sources: list[WordSource]) -> RecognitionConfig:
    """Return the job with limits that tolerate its faults, which the report has already, and with fewer samples."""
    datasets = [settings.model_copy(update={"max_dropped": 1.0}) for settings in config.train.datasets]
    changed = {"datasets": datasets, "max_zeroed": 1.0}
    training = [source for source in sources if source.is_training]
    longest = max((len(source.reader) for source in training), default=0)
    if longest > LIMIT and not any(source.drawn for source in training):
        changed["total_data_usage_ratio"] = min(config.train.total_data_usage_ratio, LIMIT / longest)
    return config.model_copy(update={"train": config.train.model_copy(update=changed)})
