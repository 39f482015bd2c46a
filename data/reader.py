"""The interface of dataset readers, the report of what a reader left out, and the options that limit it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.sample import TextSample


@dataclass
class DropReport:
    """Counts what a reader kept and what it dropped, with the reason and a few examples of each.

    Attributes:
        images, words, chars: how many of each were kept.
        dropped: reason -> how many items were left out for it. A reason reads as "word: zero area".
        examples: reason -> up to three places, with what is wrong there where the reason does not say it all
            ("gt_img_7.txt line 3", "gt_img_7.txt line 7: 'x12'", "8/ballet_106_0.jpg word 2").
        unparsed: the reasons in `dropped` that are about the form of an entry, such as a coordinate that is not a
            number, and not about its content.
        noted: reason -> how many items are odd, but kept; their examples are among the others.
    """

    images: int = 0
    words: int = 0
    chars: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)
    unparsed: list[str] = field(default_factory=list)

    def drop(self, reason: str, example: str, count: int = 1, *, unparsed: bool = False) -> None:
        """Count `count` items left out for `reason`, and keep `example` if there are fewer than three of them."""
        if unparsed and reason not in self.unparsed:
            self.unparsed.append(reason)
        self.dropped[reason] = self.dropped.get(reason, 0) + count
        self._remember(reason, example)

    def note(self, reason: str, example: str, count: int = 1) -> None:
        """Count `count` items that are kept although something is odd about them, with examples as in `drop`."""
        self.noted[reason] = self.noted.get(reason, 0) + count
        self._remember(reason, example)

    def table(self) -> str:
        """Return the report as aligned text lines, one line per reason."""
        lines = [f"kept {self.images:,} images, {self.words:,} words, {self.chars:,} characters"]
        for reason, count in sorted(self.dropped.items(), key=lambda item: -item[1]):
            lines.append(f"  dropped {count:>9,}  {reason}  (e.g. {'; '.join(self.examples[reason])})")
        for reason, count in sorted(self.noted.items(), key=lambda item: -item[1]):
            lines.append(f"  noted   {count:>9,}  {reason}  (e.g. {'; '.join(self.examples[reason])})")
        return "\n".join(lines)

    def _remember(self, reason: str, example: str) -> None:
        places = self.examples.setdefault(reason, [])
        if len(places) < 3:
            places.append(example)


class UnreadableSample(Exception):
    """A sample whose image cannot be read: it is missing, damaged, or outside the data root.

    Readers raise it from `__getitem__`; the caller catches it, counts it and takes another sample.

    Attributes:
        sample_id: name of the sample within its dataset.
        reason: what is wrong, without the name, such as "image: missing".
    """

    def __init__(self, sample_id: str, reason: str) -> None:
        super().__init__(sample_id, reason)
        self.sample_id = sample_id
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.sample_id}: {self.reason}"


class BaseReader(ABC):
    """A random-access dataset. Readers are cheap to pickle: files, maps and databases open lazily per process.

    Attributes:
        report: what was kept and what was left out, by reason.
    """

    report: DropReport

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a short hash that changes when the labels or the list of samples change."""

    def path(self, index: int) -> Path | None:
        """Return the file of a sample's image, which need not exist, or None if it has no separate file."""
        self._checked(index)
        return None

    def _checked(self, index: int) -> int:
        """Return an index counted from the start; raise `IndexError` beyond the ends."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return index % len(self)


class Reader(BaseReader):
    """A dataset of annotated images."""

    @abstractmethod
    def __getitem__(self, index: int) -> TextSample:
        """Return a sample; raise `UnreadableSample` if its image cannot be read."""

    @abstractmethod
    def annotation(self, index: int) -> TextSample:
        """Return a sample with an empty image [0, 0, 3], without reading the image file."""

    def place(self, index: int, word: int) -> str:
        """Return where a word of a sample is written, such as "gt_img_7.txt line 3"."""
        return f"{self.annotation(index).sample_id} word {word + 1}"


def words_dropped(report: DropReport) -> int:
    """Return how many words were left out; their reasons begin with "word:"."""
    return sum(count for reason, count in report.dropped.items() if reason.startswith("word:"))


def check_dropped(report: DropReport, max_dropped: float, source: str) -> None:
    """Raise `UserError` if a greater share of the words than `max_dropped` was left out as faulty.

    Args:
        report: counts over the whole source.
        max_dropped: the dataset's option, 0..1.
        source: name of the dataset, for the message.
    """
    lost = words_dropped(report)
    total = lost + report.words
    if total == 0 or lost <= max_dropped * total:
        return
    worst = sorted(
        ((count, reason) for reason, count in report.dropped.items() if reason.startswith(("word:", "image:"))),
        key=lambda item: (-item[0], item[1]),
    )[:3]
    reasons = "; ".join(f"{count:,} x {reason} (e.g. {', '.join(report.examples[reason])})" for count, reason in worst)
    raise UserError(
        f"{source}: {lost:,} of {total:,} words ({lost / total:.2%}) are faulty, more than `max_dropped` "
        f"({max_dropped:g}) allows: {reasons}; mend them, or raise this dataset's `max_dropped`"
    )


def choose_samples(total: int, samples: int, source: str) -> np.ndarray | None:
    """Return the indices of an evenly spread subset, int64 [samples], or None if all `total` samples are used.

    Raises:
        UserError: nothing would be left.
    """
    if total == 0:
        raise UserError(f"{source}: there is no usable image")
    if samples == 0:
        raise UserError(f"{source}: `samples: 0` leaves no image; give a positive number, or -1 for all")
    if samples < 0 or samples >= total:
        return None
    return np.arange(samples, dtype=np.int64) * total // samples
