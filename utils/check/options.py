"""What a person may ask of a check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.errors import UserError

LIMIT = 50_000
"""Samples of a dataset whose annotations are read, or pictures looked at; all of them with `deep`."""

_PICTURES = (".png", ".jpg", ".jpeg")


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
        UserError: `draw` is no name of a picture.
    """

    deep: bool = False
    allow_leaks: bool = False
    timing: bool = True
    draw: str | None = None
    json: str | None = None

    def __post_init__(self) -> None:
        if self.draw is not None:
            check_picture_name("--draw", self.draw)

    def limit(self, sizes: Iterable[int]) -> int:
        """Return how many samples of a dataset are looked at closely; `sizes` are those of all datasets."""
        return max(sizes, default=0) if self.deep else LIMIT


def check_picture_name(option: str, path: str) -> None:
    """Raise `UserError` where a picture that an option names could not be written by its ending."""
    if Path(path).suffix.lower() not in _PICTURES:
        raise UserError(f"{option} {path}: name a .png or .jpg file")
