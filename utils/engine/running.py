"""Running sums of the values of iterations, kept on the device until the next line of the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class RunningMeans:
    """Sums scalars over iterations; leaves out iterations whose loss or gradient is not finite.

    Only `read` and `state` wait for the device.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._good: Tensor | None = None

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add the values of an iteration, each a scalar; `loss` and `grad_norm` decide whether it counts."""
        values = {name: value.detach().float() for name, value in values.items()}
        finite = torch.isfinite(values["loss"]) & torch.isfinite(values["grad_norm"])
        for name, value in values.items():
            counted = torch.where(finite, value, 0.0)
            self._sums[name] = self._sums[name] + counted if name in self._sums else counted
        self._good = finite.long() if self._good is None else self._good + finite

    def read(self) -> dict[str, float | None]:
        """Return the means since the last call (None if no iteration counted), and reset the sums."""
        good = 0 if self._good is None else int(self._good)
        means = {name: total.item() / good if good else None for name, total in self._sums.items()}
        self._sums, self._good = {}, None
        return means

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return {
            "sums": {name: total.item() for name, total in self._sums.items()},
            "good": 0 if self._good is None else int(self._good),
        }

    def restore(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Restore what `state` returned."""
        if state["sums"]:
            self._sums = {name: torch.tensor(total, device=device) for name, total in state["sums"].items()}
            self._good = torch.tensor(state["good"], device=device)
