"""What a run writes down as it goes: `metrics.jsonl` always, TensorBoard beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from utils.engine.run_folder import RunFolder


class MetricsLog:
    """Appends one JSON object per call to `metrics.jsonl` and the same numbers to TensorBoard.

    Args:
        folder: the run's.
        step: iteration that the run starts or goes on from; TensorBoard hides what an interrupted run wrote beyond it.
    """

    def __init__(self, folder: RunFolder, step: int) -> None:
        self._lines = open(folder.metrics, "a", encoding="utf-8")  # noqa: SIM115 - open for the run's length
        self._board = SummaryWriter(str(folder.tensorboard), purge_step=step + 1 if step else None)

    def write(self, step: int, split: str, values: Mapping[str, float | None]) -> None:
        """Log numbers under `split` ("train", "validation"); one that is not finite is written as null."""
        values = {name: value if value is None or math.isfinite(value) else None for name, value in values.items()}
        self._lines.write(json.dumps({"step": step, "split": split, **values}, allow_nan=False) + "\n")
        self._lines.flush()
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(f"{split}/{name}", value, step)

    def picture(self, step: int, name: str, picture: np.ndarray) -> None:
        """Log a picture uint8 [H, W, 3] to TensorBoard."""
        self._board.add_image(name, picture, step, dataformats="HWC")

    def close(self) -> None:
        self._lines.close()
        self._board.close()
