"""What a dataset reader offers to the rest of the framework, and how it reports what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from data.sample import TextSample


@dataclass
class DropReport:
    """Counts what a reader kept and what it dropped, with the reason and a few examples of each.

    Attributes:
        images, words, chars: how many of each were kept.
        dropped: reason -> how many items were left out for it. A reason reads as "word: zero area".
        examples: reason -> up to three places ("gt_img_7.txt line 3", "8/ballet_106_0.jpg word 2").
    """

    images: int = 0
    words: int = 0
    chars: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, reason: str, example: str, count: int = 1) -> None:
        """Count `count` items left out for `reason`, remembering `example` while there are under three."""
        self.dropped[reason] = self.dropped.get(reason, 0) + count
        places = self.examples.setdefault(reason, [])
        if len(places) < 3:
            places.append(example)

    def table(self) -> str:
        """Return the report as aligned text lines, one line per reason."""
        lines = [f"kept {self.images:,} images, {self.words:,} words, {self.chars:,} characters"]
        for reason, count in sorted(self.dropped.items(), key=lambda item: -item[1]):
            lines.append(f"  dropped {count:>9,}  {reason}  (e.g. {'; '.join(self.examples[reason])})")
        return "\n".join(lines)


class UnreadableSample(Exception):
    """A sample whose image cannot be had: missing, damaged, or outside the data root.

    Readers raise it from `__getitem__`; whoever iterates catches it, counts it and takes another sample.

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


class Reader(Protocol):
    """A random-access dataset. Readers are cheap to pickle: file handles and maps open lazily per process."""

    report: DropReport

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> TextSample:
        """Return a sample; raise `UnreadableSample` where its image cannot be read."""
        ...

    def annotation(self, index: int) -> TextSample:
        """Return a sample with an empty image [0, 0, 3], without touching the image file."""
        ...

    def fingerprint(self) -> str:
        """Return a short hash that changes when the annotations or the list of images change."""
        ...
