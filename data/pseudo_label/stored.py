"""Reading finished pseudo-labels: columns that every process maps into memory instead of loading them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.preprocess import Preprocess
from data.pseudo_label.records import COLUMN_NAMES, ImageLabels, LabelSettings, LabelStatistics

COLUMNS = "columns"
"""Folder of the columns, inside that of the cache."""
ABOUT = "labels.json"
"""File beside the columns: teacher, dataset, settings, statistics."""


class PseudoLabels:
    """The finished labels of a dataset. They are cheap to pickle: each process maps the columns on first use.

    Args:
        folder: of a `LabelCache` that is complete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._maps: dict[str, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, object]:
        return {"folder": self.folder, "_maps": None}

    def __len__(self) -> int:
        return len(self._columns["checksum"])

    def of(self, index: int) -> ImageLabels:
        """Return the labels of an image by its index in the dataset; the arrays are copies."""
        columns = self._columns
        if not 0 <= index < len(columns["checksum"]):
            raise IndexError(index)
        first, last = (int(columns["word_ends"][k]) if k >= 0 else 0 for k in (index - 1, index))
        start = int(columns["char_ends"][first - 1]) if first else 0
        ends = np.asarray(columns["char_ends"][first:last])
        stop = int(ends[-1]) if len(ends) else start
        counts = np.diff(ends, prepend=start)
        return ImageLabels(
            np.array(columns["char_quads"][start:stop]),
            np.repeat(np.arange(last - first), counts),
            *(np.array(columns[name][first:last]) for name in ("confidence", "kind", "found")),
            checksum=int(columns["checksum"][index]),
        )

    @property
    def settings(self) -> LabelSettings:
        """What the labels were made with.

        Raises:
            UserError: the file that says so is gone or damaged.
        """
        path = self.folder / COLUMNS / ABOUT
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))["settings"]
            return LabelSettings(**{**stored, "preprocess": Preprocess.from_state(stored["preprocess"])})
        except (OSError, ValueError, LookupError, TypeError) as fault:
            raise UserError(f"{path} cannot be read ({fault}); remove {self.folder}, it is made anew") from fault

    @property
    def teacher(self) -> str:
        """Hash of the weights that made them."""
        return self.folder.name.rpartition("-")[2]

    def statistics(self) -> LabelStatistics:
        """Return sums over the whole dataset."""
        return LabelStatistics.of(len(self), self._columns["kind"], self._columns["confidence"])

    @property
    def _columns(self) -> dict[str, np.ndarray]:
        if self._maps is None:
            folder = self.folder / COLUMNS
            self._maps = {name: _mapped(folder / f"{name}.npy") for name in COLUMN_NAMES}
        return self._maps


def _mapped(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise UserError(f"{path} cannot be read ({fault}); remove {path.parent.parent}, it is made anew") from fault
