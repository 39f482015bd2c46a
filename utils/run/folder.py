"""The folder of a run: its paths, and whether a run may be written there."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

from config.errors import UserError
from config.schema.run import RunConfig
from utils.files import remove_parts, write_text


class RunFolder:
    """Paths of a run, `results_dir/name/...`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "config.yaml"
        self.metrics = root / "metrics.jsonl"
        self.tensorboard = root / "tensorboard"
        self.checkpoints = root / "checkpoints"
        self.last = self.checkpoints / "last.pth"
        self.best = self.checkpoints / "best.pth"
        self.bad_batches = root / "bad_batches"
        self.unreadable = root / "unreadable.txt"
        self.agents = root / "agents.json"
        self.pseudo_labels = root / "pseudo_labels"

    def table(self, split: str) -> Path:
        return self.root / f"metrics_{split}.csv"

    def step(self, iteration: int) -> Path:
        return self.checkpoints / f"step_{iteration}.pth"

    def previous(self, age: int) -> Path:
        """Return the path of the checkpoint that is `age` saves older than `last.pth`."""
        return self.checkpoints / f"previous_{age}.pth"

    def resumable(self) -> list[Path]:
        """Return the existing checkpoints for `--resume`, the newest first."""
        ages = (path.stem.removeprefix("previous_") for path in self.checkpoints.glob("previous_*.pth"))
        older = [self.previous(age) for age in sorted(int(text) for text in ages if text.isdecimal())]
        return [path for path in (self.last, *older) if path.is_file()]

    def check(self, *, resume: bool, fresh: bool) -> None:
        """Check, before any other work, whether a run may be written here.

        Args:
            resume: the run is continued; there must be a checkpoint.
            fresh: a new run replaces an older run of the same name.

        Raises:
            UserError: there is nothing to resume, or an older run would be overwritten.
        """
        if resume and not self.resumable():
            raise UserError(f"--resume: {self.last} does not exist, so there is no run to continue; leave out --resume")
        if not resume and not fresh and self._holds_a_run():
            going_on = "continue it with --resume, " if self.resumable() else ""
            raise UserError(
                f"{self.root} already holds a run: {going_on}move it aside and start a new run with --fresh, or give "
                "the new run another name with name=NEW"
            )
        place = self.root
        while not place.exists():
            place = place.parent
        if not place.is_dir() or not os.access(place, os.W_OK):
            raise UserError(
                f"{self.root} cannot be made: {place} is not a folder one may write to, choose another results_dir"
            )

    def make(self, *, fresh: bool) -> None:
        """Make the folders; with `fresh`, move an older run of the same name aside first.

        Raises:
            UserError: the folders cannot be made.
        """
        try:
            if fresh and self._holds_a_run():
                self.root.rename(self._aside())
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            for place in (self.root, self.checkpoints, self.bad_batches):
                remove_parts(place)
        except OSError as fault:
            raise UserError(f"{self.root} cannot be made ({fault.strerror}), choose another results_dir") from fault

    def _holds_a_run(self) -> bool:
        """Tell whether the folder holds results; a run that ended before its first log line left an empty log."""
        return bool(self.resumable()) or (self.metrics.exists() and self.metrics.stat().st_size > 0)

    def _aside(self) -> Path:
        suffix = 1
        while (place := self.root.with_name(f"{self.root.name}.old{suffix}")).exists():
            suffix += 1
        return place

    def forget_after(self, step: int) -> None:
        """Remove the log lines after `step`, because the run will write them again."""
        for table in self.root.glob("metrics_*.csv"):
            _keep_rows(table, lambda at: at <= step)
        if self.metrics.exists():
            self._keep_lines(lambda at, _split: at <= step)

    def forget_line(self, step: int, split: str) -> None:
        """Remove the log lines of a split at `step`, because they will be written again."""
        if self.table(split).exists():
            _keep_rows(self.table(split), lambda at: at != step)
        if self.metrics.exists():
            self._keep_lines(lambda at, of: (at, of) != (step, split))

    def _keep_lines(self, wanted: Callable[[int, str], bool]) -> None:
        kept = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                record = json.loads(line)
                if wanted(record["step"], record["split"]):
                    kept.append(line)
            except (json.JSONDecodeError, KeyError):
                continue  # The incomplete last line of a run that was killed.
        write_text(self.metrics, "".join(line + "\n" for line in kept))


def _keep_rows(table: Path, wanted: Callable[[int], bool]) -> None:
    """Keep the rows of a CSV log whose step is wanted; remove incomplete rows, and all rows without a header."""
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    header, *rows = lines or [""]
    columns = next(csv.reader([header]), [])
    kept = []
    for line in rows:
        cells = next(csv.reader([line]), [])
        whole = line.endswith("\n") and len(cells) == len(columns)
        if whole and cells[0].isdecimal() and wanted(int(cells[0])):
            kept.append(line)
    good = columns[:1] == ["step"] and header.endswith("\n")
    write_text(table, header + "".join(kept) if good else "")


def run_folder(config: RunConfig) -> RunFolder:
    """Return the folder `results_dir/name` of a loaded configuration (its name is never null)."""
    assert config.name is not None
    return RunFolder(Path(config.results_dir) / config.name)
