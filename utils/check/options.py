"""The options of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from utils.draw.picture_file import picture_path

LIMIT = 50_000
"""Maximum number of samples of a dataset that are examined; `deep` examines all."""


@dataclass(frozen=True)
class CheckOptions:
    """The options of a check.

    Attributes:
        deep: decode every image, read every annotation, and search for re-encoded copies.
        allow_leaks: test images among the training images are a remark instead of a problem.
        timing: run a few iterations to measure the cost.
        draw: path of a sheet of samples, or None.
        json: path of a file for all figures, or None.

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
        """Return how many samples of a dataset are examined; `sizes` are those of all datasets."""
        return max(sizes, default=0) if self.deep else LIMIT
