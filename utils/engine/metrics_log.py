"""What a run writes down as it goes: `metrics.jsonl` and a CSV file for each split always, TensorBoard beside them."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from utils.engine.run_folder import RunFolder


class Records(Protocol):
    """Where a run writes its numbers and pictures down."""

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None: ...

    def picture(self, step: int, name: str, picture: np.ndarray) -> None: ...

    def close(self) -> None: ...


class SilentLog:
    """Writes nothing: for the processes of a run that are not its main one."""

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None:
        return None

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        return None

    def close(self) -> None:
        return None


class MetricsLog:
    """Appends one JSON object per call to `metrics.jsonl`, and the same numbers to a CSV file and to TensorBoard.

    The columns of `metrics_train.csv` and of its like are those of the split's first line. A number that comes later
    under a new name is in `metrics.jsonl` alone.

    Args:
        folder: the run's.
        step: iteration that the run starts or goes on from; TensorBoard hides what an interrupted run wrote beyond it.
    """

    def __init__(self, folder: RunFolder, step: int) -> None:
        self._folder = folder
        self._lines = open(folder.metrics, "a", encoding="utf-8")  # noqa: SIM115 - open for the run's length
        self._columns: dict[str, list[str]] = {}
        self._board = SummaryWriter(str(folder.tensorboard), purge_step=step + 1 if step else None)

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None:
        """Log numbers under `split` ("train", "validation"); one that is not finite is written as null."""
        values = {name: value if value is None or math.isfinite(value) else None for name, value in values.items()}
        self._lines.write(json.dumps({"step": step, "split": split, **values}, allow_nan=False) + "\n")
        self._lines.flush()
        self._append_row(split, {"step": step, **values})
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(f"{split}/{name}", value, step)

    def _append_row(self, split: str, values: Mapping[str, float | None]) -> None:
        # Opened for each line: there are few, and nothing is left open for a split that may never come again.
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
        """Log a picture uint8 [H, W, 3] to TensorBoard."""
        self._board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self._lines.close()
        self._board.close()
