"""The checkpoints of a run on the disk: the newest one, older ones, and those that are kept permanently."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from data.io.durable import replacing
from utils.run import checkpoint
from utils.run.folder import RunFolder


class CheckpointStore:
    """Writes `last.pth`, after renaming the previous one to `previous_1.pth`, that one to `previous_2.pth`, and so on.

    A kill at any moment leaves complete files, and the newest of them is the first in `RunFolder.resumable`.

    Args:
        folder: the run's.
        keep_last: number of checkpoints that are kept, `last.pth` included.
    """

    def __init__(self, folder: RunFolder, keep_last: int) -> None:
        self._folder = folder
        self._keep_last = keep_last
        self._newest: int | None = None

    def resumed_from(self, path: Path, step: int) -> None:
        """Note the checkpoint that the run was resumed from, so that a damaged newer one does not displace it."""
        self._newest = step if path == self._folder.last else None

    def save(self, content: dict[str, Any], *also: Path) -> None:
        """Write a checkpoint; a checkpoint of the same iteration as the last one replaces it.

        Args:
            content: as for `utils.run.checkpoint.save`.
            also: further names of the checkpoint, such as `best.pth`. They are written before `last.pth`, so that a run
                that is killed in between repeats the iteration and writes them again.

        Raises:
            UserError: it cannot be written; the existing checkpoints stay.
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
        """Give each checkpoint the name of the next older one; `last.pth` also keeps its name."""
        names = [self._folder.last, *(self._folder.previous(age) for age in range(1, self._keep_last))]
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
    """Give the file `source` the second name `target`; without hard links, rename it."""
    try:
        with replacing(target) as temporary:
            os.link(source, temporary)
    except OSError:
        # For a moment there is no `last.pth`, then; a run that is killed in it goes on from this one.
        os.replace(source, target)
