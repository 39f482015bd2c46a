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


class Reader(Protocol):
    """A random-access dataset. Readers are cheap to pickle: file handles and maps open lazily per process."""

    report: DropReport

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> TextSample: ...

    def fingerprint(self) -> str:
        """Return a short hash that changes when the annotations or the list of images change."""
        ...
