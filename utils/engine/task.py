"""What the training loop asks of a job. The loop is written once; the detector and the recognisers are jobs."""

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
    """What turns an image into an input of the network."""

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """The outcome of one evaluation.

    Attributes:
        score: what "best" is decided by; higher is better.
        values: what is logged, by name.
        summary: one line for a person.
        level: what tells whether training makes the network better; unlike `score` it may be free of a threshold.
            The score itself unless given.
        level_name: what `level` is called where it is not the score.
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
    """A training job: what the loop and the memory probe ask about what is trained.

    A job must have the attributes and a `loss`; every other method has a default for jobs that do not need it.
    `utils.tasks.registry` knows the jobs. They are made with `Task(config, device, amp, readers=, initial_weights=,
    processes=)`; a resumed run has its own weights, and readers that are given are not opened again.

    Attributes:
        weights_key: the entry of a checkpoint that holds the weights.
        size_setting: dotted name of the setting that makes the inputs of the network smaller.
        test_size_setting: name of the one under `test.NAME` that does so in evaluations; "" where there is none.
        unit: what the samples are called, such as "images".
        no_rate_test: why a learning-rate range test would tell nothing about this job; "" where it does.
        model: the network, on its device.
        dataset: samples by position in the run (see `data.order`).
        collate: joins samples to a batch; `unreadable` in a batch lists samples that had to be replaced.
        data_fingerprint: hash of the training data.
        samples_per_step: positions of the run (see `data.order`) of one iteration, of all processes together.
        judges_start: evaluate the weights before the first iteration, to have something to compare with.
        preprocess: what turns an image into an input of the network; every checkpoint carries it.
        device, amp: where the network runs, and the precision there.
        readers: the datasets as they were opened, by their place in the configuration, such as `train.datasets.0`.
        window: batches that are put together out of one pool of samples, by width; None where samples are alike.
        side: pixels of a side of the square inputs; None where inputs differ in width.
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
        """Evaluate `model`, all processes together; None where there is nothing to evaluate on."""
        return None

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return uint8 RGB pictures [H, W, 3] of a batch and what `model` makes of it."""
        return {}

    def judge(self, means: Mapping[str, float | None]) -> None:
        """Look at the means of what `loss` returned since the last line of the log; raise where they are too bad."""
        return None

    def worst_batch(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a batch of as many samples that takes as much memory as the settings allow."""
        return batch

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must hold of the task itself: plain values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what `state` returned."""
        return None

    def stage_end(self, step: int) -> int | None:
        """Return the iteration after `step` at which the data must be made anew, or None if never."""
        return None

    def begin_stage(
        self, step: int, model: nn.Module, level: float | None, stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        """Make the data of the stage that `step` lies in, unless it is there.

        Args:
            step: the iteration about to be run.
            model: the weights an evaluation would use.
            level: `Evaluation.level` of these weights, where they have just been evaluated.
            stop: whether the run shall end; the task may then return at once, for it is asked again after a resume.

        Returns:
            Numbers for the log, or None where nothing was made.
        """
        return None

    def stage_seconds(self) -> float | None:
        """Return how long making the data of a stage takes, measured on a part of it; None where that is not known."""
        return None
