"""The logs of a run: `metrics.jsonl`, a CSV file for each split, and TensorBoard.

A run whose metrics cannot be written stops with one sentence; a run whose TensorBoard files cannot be written goes on.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from config.errors import UserError
from utils.run.folder import RunFolder

log = logging.getLogger(__name__)


class Records:
    """A log of metrics and pictures. This base class writes nothing: it is for all processes except the main one."""

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None:
        return None

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Ignore a picture, uint8 [H, W, 3]."""
        return None

    def close(self) -> None:
        return None


class MetricsLog(Records):
    """Appends one JSON object per call to `metrics.jsonl`, and the same values to a CSV file and to TensorBoard.

    The columns of `metrics_SPLIT.csv` are those of the split's first line. A value that is added later under a new name
    is in `metrics.jsonl` only.

    Args:
        folder: the run's.
        step: iteration that the run starts or continues from; TensorBoard hides later values of an interrupted run.
    """

    def __init__(self, folder: RunFolder, step: int) -> None:
        self._folder = folder
        self._start = step
        self._columns: dict[str, list[str]] = {}
        with self._room():
            folder.metrics.touch()
        self._board: SummaryWriter | None = None
        self._draw(lambda: self._open_board(step))

    def _open_board(self, step: int) -> None:
        _keep_quiet_about_its_thread()
        self._board = SummaryWriter(str(self._folder.tensorboard), purge_step=step + 1 if step else None)

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None:
        """Log values under `split` ("train", "validation"); a value that is not finite is written as null.

        Raises:
            UserError: the disk is full, or the folder is gone.
        """
        values = {name: value if value is None or math.isfinite(value) else None for name, value in values.items()}
        if step == self._start:
            # A run that was killed after this line, but before its next checkpoint, writes the line again.
            self._folder.forget_line(step, split)
        line = json.dumps({"step": step, "split": split, **values}, allow_nan=False) + "\n"
        with self._room(), open(self._folder.metrics, "a", encoding="utf-8") as file:
            file.write(line)
        with self._room():
            self._append_row(split, {"step": step, **values})
        for name, value in values.items():
            if value is not None:
                self._draw(lambda n=name, v=value: self._board and self._board.add_scalar(f"{split}/{n}", v, step))

    @contextlib.contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as fault:
            held = self._folder.resumable()
            kept = f"--resume continues from {held[0]}" if held else "no checkpoint has been written yet"
            raise UserError(
                f"the logs of {self._folder.root} cannot be written ({fault.strerror or fault}); make room; {kept}"
            ) from fault

    def _draw(self, what: Callable[[], object]) -> None:
        """Call a function that writes to TensorBoard; if that fails, log a warning and stop using TensorBoard."""
        try:
            what()
        except OSError as fault:
            log.warning(
                "%s cannot be written (%s): continuing without TensorBoard", self._folder.tensorboard,
                fault.strerror or fault,
            )  # fmt: skip
            self._board = None

    def _append_row(self, split: str, values: Mapping[str, float | None]) -> None:
        # Opened for each line: there are few lines, and no file stays open.
        with open(self._folder.table(split), "a+", encoding="utf-8", newline="") as file:
            rows: list[Sequence[Any]] = []
            if split not in self._columns:
                file.seek(0)
                self._columns[split] = next(csv.reader(file), [])
                if not self._columns[split]:
                    self._columns[split] = list(values)
                    rows.append(list(values))
            rows.append([values.get(name) for name in self._columns[split]])
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            file.write(text.getvalue())

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Log a picture, uint8 [H, W, 3], RGB, to TensorBoard."""
        self._draw(lambda: self._board and self._board.add_image(name, picture, step, dataformats="HWC"))

    def close(self) -> None:
        self._draw(lambda: self._board and self._board.close())


def _keep_quiet_about_its_thread() -> None:
    """Suppress the traceback of TensorBoard's thread after a full disk, because the next call raises the error."""
    former = threading.excepthook
    if getattr(former, "knows_tensorboard", False):
        return

    def hook(fault: threading.ExceptHookArgs) -> None:
        if type(fault.thread).__name__ != "_AsyncWriterThread":
            former(fault)

    hook.knows_tensorboard = True  # type: ignore[attr-defined]
    threading.excepthook = hook
