"""The interface between the training loop and its jobs: the detector and the recognisers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from utils.device import Amp


class Preprocessing(Protocol):
    """Turns an image into an input of the network."""

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """The outcome of one evaluation.

    Attributes:
        score: decides which evaluation is the best; higher is better.
        values: values for the log, by name.
        summary: a line for the user.
        level: measures whether training improves the network; unlike `score`, it may not depend on a threshold. The
            default is the score.
        level_name: name of `level` if it is not the score.
    """

    score: float
    values: dict[str, float] = field(default_factory=dict)
    summary: str = ""
    level: float = float("nan")
    level_name: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.level):
            object.__setattr__(self, "level", self.score)


class Task(ABC):
    """A training job, as the training loop and the memory probe use it.

    A job must have the attributes and `loss`; all other methods have defaults.
    `utils.tasks.registry` knows the jobs. They are created with `Task(config, device, amp, readers=, initial_weights=,
    processes=)`; a resumed run needs no initial weights, and given readers are not opened again.

    Attributes:
        weights_key: the entry of a checkpoint that holds the weights.
        size_setting: dotted name of the setting that makes the inputs of the network smaller.
        test_size_setting: name of the setting under `test.NAME` that does so in evaluations; "" if there is none.
        unit: name of the samples, such as "images".
        no_rate_test: why a learning-rate range test makes no sense for this job; "" if it does.
        model: the network, on its device.
        dataset: samples by position in the run (see `data.order`).
        collate: joins samples to a batch; `unreadable` in a batch lists samples that had to be replaced.
        data_fingerprint: hash of the training data.
        samples_per_step: positions of the run (see `data.order`) in an iteration, for all processes together.
        judges_start: whether to evaluate the weights before the first iteration, for comparison.
        preprocess: turns an image into an input of the network; stored in every checkpoint.
        device, amp: device of the network, and precision of the forward pass.
        readers: the opened datasets, by their key in the configuration, such as `train.datasets.0`.
        window: number of batches that are formed from a common pool of samples, sorted by width; None without sorting.
        side: side of the square inputs, pixels; None if inputs differ in width.
    """

    weights_key: ClassVar[str]
    size_setting: ClassVar[str]
    test_size_setting: ClassVar[str] = ""
    unit: ClassVar[str] = "images"
    no_rate_test: ClassVar[str] = ""

    model: nn.Module
    dataset: Dataset
    collate: Callable[[list[Any]], dict[str, Any]]
    data_fingerprint: str
    preprocess: Preprocessing
    samples_per_step: int
    judges_start: bool = False
    device: torch.device
    amp: Amp
    readers: dict[str, Any]
    window: int | None = None
    side: int | None = None

    @abstractmethod
    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Run `model` on a batch.

        Args:
            model: the network, or a wrapper that is called like it.
            batch: what `collate` returned, on the device of `model`.

        Returns:
            Values by name, each a scalar on the device of `model`, the mean over the samples; `loss` is minimised.
        """

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        """Evaluate `model`, all processes together; None if there is no validation data."""
        return None

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return uint8 RGB pictures [H, W, 3] by name, which show a batch and the outputs of `model`."""
        return {}

    def judge(self, means: Mapping[str, float | None]) -> None:
        """Check the means of the values of `loss` since the last line of the log; raise if they are too bad."""
        return None

    def worst_batch(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a batch with the same number of samples that needs as much memory as the settings allow."""
        return batch

    def state(self) -> dict[str, Any]:
        """Return the state of the task for a checkpoint: plain values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        return None

    def stage_end(self, step: int) -> int | None:
        """Return the iteration after `step` at which new data must be made, or None if never."""
        return None

    def begin_stage(
        self, step: int, model: nn.Module, level: float | None, stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        """Make the data of the stage that contains `step`, unless it exists.

        Args:
            step: the next iteration.
            model: the network that an evaluation would use.
            level: `Evaluation.level` of this network if it has just been evaluated, else None.
            stop: returns whether the run shall end; then the task may return early, as a resumed run calls it again.

        Returns:
            Values for the log, or None if nothing was made.
        """
        return None

    def stage_seconds(self) -> float | None:
        """Return the estimated seconds to make the data of a stage, measured on a part of it; None if unknown."""
        return None
