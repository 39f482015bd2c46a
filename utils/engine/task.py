"""What the training loop asks of a job. The loop is written once; the detector and the recognisers are jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from data.preprocess import Preprocess


@dataclass(frozen=True)
class Evaluation:
    """The outcome of one evaluation.

    Attributes:
        score: what "best" is decided by; higher is better.
        values: what is logged, by name.
        summary: one line for a person.
    """

    score: float
    values: dict[str, float] = field(default_factory=dict)
    summary: str = ""


class Task(Protocol):
    """A training job.

    Attributes:
        weights_key: the entry of a checkpoint that holds the weights.
        model: the network, on its device.
        dataset: samples by position in the run (see `data.order`).
        collate: joins samples to a batch; `unreadable` in a batch lists samples that had to be replaced.
        data_fingerprint: hash of the training data.
        preprocess: what turns an image into an input of the network; every checkpoint carries it.
    """

    weights_key: str
    model: nn.Module
    dataset: Dataset
    collate: Callable[[list[Any]], dict[str, Any]]
    data_fingerprint: str
    preprocess: Preprocess

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Run `model` on a batch and return scalars on its device; `loss` is the one to minimise."""
        ...

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        """Evaluate `model`, or return None where there is nothing to evaluate on."""
        ...

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return uint8 RGB pictures [H, W, 3] of a batch and what `model` makes of it."""
        ...
