"""The checkpoints of a run on the disk: the newest, those before it, and those that are kept for good."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from data.io.durable import replacing
from utils.run import checkpoint
from utils.run.folder import RunFolder


class CheckpointStore:
    """Writes `last.pth`, after moving the one before it to `previous_1.pth`, and that to `previous_2.pth`, and so on.

    At every moment, also between two of its steps, a kill leaves whole files and the newest of them is the first in
    `RunFolder.resumable`.

    Args:
        folder: the run's.
        keep_last: how many are kept of them, `last.pth` included.
    """

    def __init__(self, folder: RunFolder, keep_last: int) -> None:
        self._folder = folder
        self._keep_last = keep_last
        self._newest: int | None = None

    def resumed_from(self, path: Path, step: int) -> None:
        """Take note of the checkpoint that the run goes on from: a damaged newer one must not push a whole one out."""
        self._newest = step if path == self._folder.last else None

    def save(self, content: dict[str, Any], *also: Path) -> None:
        """Write a checkpoint; one of an iteration that has just been saved takes that one's place.

        Args:
            content: as for `utils.run.checkpoint.save`.
            also: other names that it shall have, `best.pth` for one. They have it before `last.pth` does, so that a
                run that is killed in between does it again instead of going on without them.

        Raises:
            UserError: it cannot be written; the checkpoints that were there stay.
        """
        step = content["step"]
        rotate = self._rotate if self._newest not in (None, step) else None
        if also:
            checkpoint.save(also[0], content)
            for path in also[1:]:
                checkpoint.link(also[0], path)
            if rotate is not None:
                rotate()
            checkpoint.link(also[0], self._folder.last)
        else:
            checkpoint.save(self._folder.last, content, before=rotate)
        self._newest = step

    def _rotate(self) -> None:
        """Give each kept checkpoint the name of the one before it; `last.pth` keeps its own as well."""
        names = [self._folder.last, *(self._folder.previous(number) for number in range(1, self._keep_last))]
        for suffix in (".pth", ".json"):
            for older, newer in zip(reversed(names[1:]), reversed(names[:-1]), strict=True):
                source = newer.with_suffix(suffix)
                if source.exists():
                    _also_name(source, older.with_suffix(suffix))
        for path in self._folder.resumable():
            if path not in names:
                path.unlink(missing_ok=True)
                path.with_suffix(".json").unlink(missing_ok=True)


def _also_name(source: Path, target: Path) -> None:
    """Let `target` name the file at `source`; where the file system has no hard links, rename it."""
    try:
        with replacing(target) as temporary:
            os.link(source, temporary)
    except OSError:
        # For a moment there is no `last.pth`, then; a run that is killed in it goes on from this one.
        os.replace(source, target)
