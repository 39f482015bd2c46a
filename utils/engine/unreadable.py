"""Counts and lists the samples that could not be read and were replaced by others.

A sample on the list is asked for again when its turn comes again: what a position of the run gives must not depend on
what ran before, and a file server that was away for a minute costs no sample for good.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)

JUDGED_FROM = 1000
"""The share of unreadable samples is judged once so many have been read."""


LISTED = 1000
"""Lines of the list at most; a data set with more of them needs no list but another disk."""


class UnreadableCount:
    """Counts; the first few are named in the log, and each of them once in a file.

    Args:
        allowed: greatest share of all samples.
        listed_in: the file; None writes none.
    """

    def __init__(self, allowed: float, listed_in: Path | None = None) -> None:
        self.count = 0
        self._allowed = allowed
        self._file = listed_in
        self._listed: set[str] | None = None

    def note(self, names: list[str], seen: int) -> str | None:
        """Add the unreadable samples of a batch.

        Args:
            names: name and reason of each.
            seen: samples of the run so far, these included.

        Returns:
            One sentence if there are too many by now, else None.
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
            if self._listed is None:  # A resumed run goes on with the list.
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
