"""Counts the samples that could not be read and were replaced by others."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

JUDGED_FROM = 1000
"""The share of unreadable samples is judged once so many have been read."""


class UnreadableCount:
    """Counts; the first few are named in the log.

    Args:
        allowed: greatest share of all samples.
    """

    def __init__(self, allowed: float) -> None:
        self.count = 0
        self._allowed = allowed

    def note(self, names: list[str], seen: int) -> str | None:
        """Add the unreadable samples of a batch.

        Args:
            names: name and reason of each.
            seen: samples of the run so far, these included.

        Returns:
            One sentence if there are too many by now, else None.
        """
        for name in names:
            self.count += 1
            if self.count <= 3:
                log.warning("left out and replaced: %s", name)
            elif self.count == 4:
                log.warning("more samples cannot be read; their number is logged as `unreadable`")
        if names and seen >= JUDGED_FROM and self.count > self._allowed * seen:
            return (
                f"{self.count} of {seen} samples could not be read (the last one: {names[-1]}); repair the data, "
                "or allow more with train.max_unreadable, and continue with --resume"
            )
        return None
