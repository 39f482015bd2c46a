"""Whether a picture has enough time steps for its label: CTC writes at most one character in a time step.

Two equal characters in a row need a blank between them, or they are read as one (Graves et al., ICML 2006). So a label
of L characters, R of them equal to the one before, needs L + R time steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from data.recognition.preprocess import WordPreprocess

MOST = 0.9
"""The remedy also names the height that is enough for this share of the labels, because a few pictures of vertical text
may need extreme heights."""


def required_steps(target: Sequence[Any]) -> int:
    """Return the least number of time steps that a label needs, given as text or as classes."""
    return len(target) + sum(first == other for first, other in pairwise(target))


@dataclass(frozen=True)
class LabelsWithoutRoom:
    """Labels that need more time steps than their pictures have, and settings that would be enough.

    Attributes:
        total: how many labels were checked.
        indices: int [K], those that are too long.
        steps, needed: int [K], the time steps they have and those they need.
        max_width: least `max_width` that is enough for the pictures that it limits; None if it limits none.
        width_setting: name of the setting for `max_width`: `pad_to` if all inputs are padded to one width.
        height: least height of the input that is enough for all pictures that must be enlarged; None if none must.
        usual_height: the same for 90 % of them.
        min_width: least `min_width` that is enough, by padding, for all pictures that are not squeezed; None if it is
            not needed.
    """

    total: int
    indices: np.ndarray
    steps: np.ndarray
    needed: np.ndarray
    max_width: int | None = None
    width_setting: str = "max_width"
    height: int | None = None
    usual_height: int | None = None
    min_width: int | None = None

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def share(self) -> float:
        """Share of the labels that are too long, 0..1."""
        return len(self) / self.total if self.total else 0.0

    def sentence(self, name: Callable[[int], str]) -> str:
        """Return what is wrong and what to do, without a full stop; at least one label must be too long.

        Args:
            name: returns the name of a sample by its index.
        """
        return (
            f"{len(self):,} of {self.total:,} labels ({self.share:.2%}) have fewer time steps than they need "
            f"(e.g. {name(int(self.indices[0]))}: {self.steps[0]} for {self.needed[0]}): {self.remedy()}"
        )

    def remedy(self) -> str:
        """Return what to do, as the end of a sentence."""
        ways = []
        if self.height is not None:
            usual = f" ({self.usual_height} for {MOST:.0%} of them)" if self.usual_height != self.height else ""
            ways.append(f"height {self.height}{usual} or min_width {self.min_width}")
        if self.max_width is not None:
            ways.append(f"{self.width_setting} {self.max_width}")
        return " and ".join(ways) + " would make room" if ways else "nothing is to be done"


def labels_without_room(
    needed: Iterable[int], sizes: np.ndarray, preprocess: WordPreprocess, output_length: Callable[[Any], Any]
) -> LabelsWithoutRoom:
    """Find the labels that are too long for their pictures.

    Args:
        needed: `required_steps` of every label.
        sizes: int [N, 2], height and width of every picture, pixels; unreadable pictures have zeros and are left out.
        preprocess: the preprocessing that makes the inputs.
        output_length: returns the time steps of an input by its width, for numbers and arrays; it must not decrease.
    """
    needed = np.fromiter(needed, np.int64)
    height, width = np.maximum(sizes.T.astype(np.int64), 1)
    input_widths = np.broadcast_to(preprocess.input_width(height, width), needed.shape)
    steps_of, width_for = _tables(output_length, int(input_widths.max(initial=1)), int(needed.max(initial=0)))
    steps = steps_of[input_widths]
    found = np.flatnonzero((steps < needed) & (sizes.min(axis=1, initial=1) > 0))
    result = {"total": len(needed), "indices": found, "steps": steps[found], "needed": needed[found]}
    if not len(found):
        return LabelsWithoutRoom(**result)
    wanted, height, width = width_for[needed[found]], height[found], width[found]
    if preprocess.fixed_width is not None:
        setting = "max_width" if preprocess.pad_to is None else "pad_to"
        return LabelsWithoutRoom(**result, max_width=int(wanted.max()), width_setting=setting)
    # The least width that is rounded up to `wanted`.
    wanted = (wanted - 1) // preprocess.width_multiple * preprocess.width_multiple + 1
    natural = preprocess.natural_width(height, width)
    # ceil(h * W / H) >= wanted holds from h = floor((wanted - 1) * H / W) + 1 on.
    heights = np.where(natural < wanted, (wanted - 1) * height // width + 1, 0)
    small = heights[heights > 0]
    long = wanted[wanted > preprocess.max_width]
    return LabelsWithoutRoom(
        **result,
        max_width=int(long.max()) if len(long) else None,
        height=int(small.max()) if len(small) else None,
        usual_height=int(np.quantile(small, MOST, method="higher")) if len(small) else None,
        min_width=int(wanted[natural < wanted].max()) if len(small) else None,
    )


def _tables(output_length: Callable[[Any], Any], width: int, needed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the time steps of each width 0, 1, ..., and the least width for each number of steps 0, 1, ..."""
    while int(output_length(width)) < needed:
        width *= 2
    steps = np.concatenate([[0], np.asarray(output_length(np.arange(1, width + 1)), np.int64)])
    return steps, np.searchsorted(np.maximum.accumulate(steps), np.arange(needed + 1))
