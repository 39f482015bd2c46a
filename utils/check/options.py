"""What a person may ask of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from utils.draw.picture_file import picture_path

LIMIT = 50_000
"""Samples of a dataset whose annotations are read, or pictures looked at; all of them with `deep`."""


@dataclass(frozen=True)
class CheckOptions:
    """What to look at besides what is always looked at.

    Attributes:
        deep: decode every image, read every annotation, and look for re-encoded copies.
        allow_leaks: test images among the training images are remarked upon, and no problem.
        timing: run a few iterations.
        draw: write a sheet of samples there.
        json: write all figures there.

    Raises:
        UserError: no picture can be written at `draw`.
    """

    deep: bool = False
    allow_leaks: bool = False
    timing: bool = True
    draw: str | None = None
    json: str | None = None

    def __post_init__(self) -> None:
        if self.draw is not None:
            picture_path("--draw", self.draw)

    def limit(self, sizes: Iterable[int]) -> int:
        """Return how many samples of a dataset are looked at closely; `sizes` are those of all datasets."""
        return max(sizes, default=0) if self.deep else LIMIT
