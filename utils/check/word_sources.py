"""The datasets of a recognition job, opened in a way that faulty ones can be examined, too."""

from __future__ import annotations

import copy
import functools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from config.schema.recognition import RecognitionConfig, RecognitionTest
from data.reader import UnreadableSample
from data.recognition.alphabet import Alphabet
from data.recognition.alphabet_filter import FilterReport, LabelRule, filter_words
from data.recognition.readers import open_words
from data.recognition.readers.forwarded import ChosenWords
from data.recognition.sample import WordReader
from metrics.protocols import protocol
from utils.check.sources import BaseSource, open_anyway

DRAWN_PICTURES, DRAWN_LABELS = 128, 1000
"""Number of examined pictures and labels of a generated dataset."""
SCENES = 24
"""The same number for a dataset whose labels are known only after a scene is drawn."""


@dataclass(frozen=True)
class WordSource(BaseSource):
    """A dataset of a recognition job.

    Attributes:
        reader: for training, the samples that the alphabet can write, with folded labels; for a test, all samples.
        report: what was kept and left out at opening, also because of the alphabet.
        whole: all samples.
    """

    reader: WordReader
    whole: WordReader

    @property
    def drawn(self) -> bool:
        """Whether its pictures are generated on demand."""
        return self.reader.drawn

    def most(self, few: int, limit: int) -> int:
        """Return how many samples to examine: up to `few` of generated pictures, fewer of scenes, else `limit`."""
        if not self.drawn:
            return min(limit, len(self.reader))
        return min(SCENES if self.slow_labels else few, limit, len(self.reader))

    @property
    def slow_labels(self) -> bool:
        """Whether even its labels are known only once a scene is drawn."""
        return self.reader.slow_labels

    @property
    def has_files(self) -> bool:
        return len(self.reader) > 0 and not self.drawn and self.reader.stored

    def sample_name(self, index: int) -> str:
        return self.reader.name(index)

    def some(self, limit: int) -> WordReader:
        """Return up to `limit` samples spread evenly over the dataset; fewer of generated ones."""
        size, wanted = len(self.reader), self.most(DRAWN_PICTURES, limit)
        return self.reader if size == wanted else ChosenWords(self.reader, np.arange(wanted) * size // wanted)


@dataclass
class Labels:
    """Statistics of the labels of a dataset.

    Attributes:
        lengths: int64 [N], number of characters of each examined label.
        characters: number of occurrences of each character.
        whole: whether all labels were examined.
        unknown: character that the alphabet lacks -> number of labels with it; training leaves these labels out.
        unreadable_labels: labels of a test that the alphabet cannot write, so they are never read correctly.
        possible: characters that a generator may write; empty for other datasets.
    """

    lengths: np.ndarray
    characters: Counter[str]
    whole: bool
    unknown: dict[str, int]
    unreadable_labels: int = 0
    possible: frozenset[str] = frozenset()


def open_word_sources(
    config: RecognitionConfig, *, filtered: bool = True, opened: Mapping[str, WordReader] | None = None
) -> tuple[list[WordSource], list[str]]:
    """Open every dataset of the job.

    Args:
        config: the job.
        filtered: leave out the training labels that the alphabet cannot write; false saves that time.
        opened: datasets that training has opened already, by their place in the configuration.

    Returns:
        The opened datasets, and a sentence for each reason why training would not start.
    """
    rule = rule_of(config)
    sources, problems = [], []

    def open_pair(name: str, is_training: bool, settings: Any) -> tuple[WordReader, WordReader]:
        whole = (opened or {}).get(name) or open_words(settings)
        if not (is_training and filtered):
            return whole, whole
        return whole, filter_words(whole, rule, name, max_dropped=settings.max_dropped)

    for name, is_training, settings in _datasets(config):
        pair = open_anyway(name, settings, functools.partial(open_pair, name, is_training), problems)
        if pair is not None:
            whole, kept = pair
            sources.append(WordSource(name, settings, kept, copy.deepcopy(kept.report), whole))
    return sources, problems


def rule_of(config: RecognitionConfig) -> LabelRule:
    """Return the rule that selects and folds the labels of a job."""
    return LabelRule(Alphabet(config.characters), config.case, config.unknown, config.max_length)


def read_labels(source: WordSource, config: RecognitionConfig, limit: int | None = None) -> Labels:
    """Return the statistics of all labels of a dataset, of `limit` labels, or of a few generated ones."""
    rule = rule_of(config)
    # A test compares labels as its protocol reduces them.
    test: RecognitionTest | None = None if source.is_training else config.test[source.name.removeprefix("test.")]
    reduce = protocol(test.protocol, f"{source.name}.protocol") if test is not None else str
    size = len(source.reader)
    wanted = source.most(DRAWN_LABELS, size if limit is None else limit)
    lengths: list[int] = []
    texts: Counter[str] = Counter()
    for position in range(wanted):
        try:
            text = source.reader.text(position * size // wanted)
        except UnreadableSample:  # A generated scene without words.
            continue
        text = text if source.is_training else reduce(rule.fold(text))
        lengths.append(len(text))
        texts[text] += 1
    characters: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    lost = 0
    for text, count in texts.items():
        for character in text:
            characters[character] += count
        lacking = rule.alphabet.unknown(text)
        for character in lacking:
            unknown[character] += count
        lost += count if lacking else 0
    known = source.report.unknown if isinstance(source.report, FilterReport) else None
    possible = frozenset(map(rule.fold, source.reader.characters or ()))
    return Labels(
        np.array(lengths, np.int64), characters, wanted == size, dict(unknown) if known is None else known, lost,
        possible,
    )  # fmt: skip


def _datasets(config: RecognitionConfig) -> Iterator[tuple[str, bool, Any]]:
    for index, settings in enumerate(config.train.datasets):
        yield f"train.datasets.{index}", True, settings
    for name, test in config.test.items():
        yield f"test.{name}", False, test.dataset
