"""Counts and lists the samples that could not be read and were replaced by others.

A listed sample is read again in the next epoch: the sample of a position must not depend on earlier iterations, and a
short failure of a file server must not exclude a sample for ever.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

JUDGED_FROM = 1000
"""Number of samples after which the share of unreadable samples is checked."""


LISTED = 1000
"""Greatest number of lines in the list."""


class UnreadableCount:
    """Counts unreadable samples; the log names the first few, and a file lists each of them once.

    Args:
        allowed: greatest share of all samples.
        listed_in: path of the list; None writes no list.
    """

    def __init__(self, allowed: float, listed_in: Path | None = None) -> None:
        self.count = 0
        self._allowed = allowed
        self._file = listed_in
        self._listed: set[str] | None = None

    def note(self, names: list[str], seen: int) -> str | None:
        """Add the unreadable samples of a batch.

        Args:
            names: name and reason of each sample.
            seen: number of samples of the run so far, including these.

        Returns:
            An error message if there are too many, else None.
        """
        self._list(names)
        for name in names:
            self.count += 1
            if self.count <= 3:
                log.warning("left out and replaced: %s", name)
            elif self.count == 4:
                log.warning("more samples cannot be read; their number is logged as `unreadable`%s", self._where())
        if names and seen >= JUDGED_FROM and self.count > self._allowed * seen:
            return (
                f"{self.count} of {seen} samples could not be read (the last one: {names[-1]}{self._where()}); repair "
                "the data, or allow more with train.max_unreadable, and continue with --resume"
            )
        return None

    def _where(self) -> str:
        return f", their names in {self._file}" if self._file is not None else ""

    def _list(self, names: list[str]) -> None:
        if not names or self._file is None:
            return
        try:
            if self._listed is None:  # A resumed run continues the list.
                known = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
                self._listed = set(known)
            new = [line for line in (" ".join(name.split()) for name in names) if line not in self._listed]
            new = list(dict.fromkeys(new))[: max(0, LISTED - len(self._listed))]
            self._listed.update(new)
            if new:
                with open(self._file, "a", encoding="utf-8") as file:
                    file.writelines(line + "\n" for line in new)
        except OSError as fault:
            log.warning("%s cannot be written (%s)", self._file, fault.strerror or fault)
            self._file = None
