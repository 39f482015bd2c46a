"""Settings of every job that has a training run and tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from config.origins import Origins
from config.schema.base import Section

if TYPE_CHECKING:
    from config.schema.training import Training

NO_VALIDATION = "none"
"""Value of `train.validation` that evaluates nothing during training."""


def _folder_name(name: str) -> str:
    """Keep a run inside `results_dir`."""
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise ValueError("name must be the name of a folder, without slashes")
    return name


def validation_entry(validation: str | None, tests: Iterable[str]) -> str | None:
    """Return the entry of `test` that a run is validated with; None where it is not.

    Args:
        validation: `train.validation`; null means the first entry.
        tests: names of the entries.
    """
    name = next(iter(tests), None) if validation is None else validation
    return None if name == NO_VALIDATION else name


RunName = Annotated[str, AfterValidator(_folder_name)]


class RunConfig(Section):
    """Settings that all jobs share; each job adds `model`, `train` and `test`."""

    task: str
    """The job."""
    name: RunName | None = None
    """Name of the run's folder in `results_dir`; null uses the YAML's file name."""
    results_dir: str = "./exp/"
    """Folder of all runs."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1111
    """Every random choice is a function of this seed and of the sample's position in the run."""
    device: str = "auto"
    """`auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:N` or `mps`."""
    amp: Literal["bf16", "fp16", "off"] = "bf16"
    """Mixed precision; parameters, targets and losses stay in float32. `off` computes in float32 throughout; with the
    others, convolutions and LSTMs that stay in float32 may use TF32 on CUDA."""
    trained_model: str | None = None
    """Checkpoint that `eval.py` evaluates; null uses the run's `best.pth`."""

    _origins: Origins = PrivateAttr(default_factory=Origins)

    if TYPE_CHECKING:  # Each job declares these with a more specific type.
        train: Training
        test: dict[str, Section]

    @property
    def validated_by(self) -> str | None:
        """Name of the entry of `test` that the run is validated with; None where it is not."""
        return validation_entry(self.train.validation, self.test)

    @property
    def origins(self) -> Origins:
        """Where each setting was written, for messages; empty unless the configuration was loaded."""
        return self._origins

    @model_validator(mode="after")
    def _validation_is_a_test(self) -> Self:
        wanted = self.train.validation
        if wanted not in (None, NO_VALIDATION) and wanted not in self.test:
            known = ", ".join(self.test) or "nothing"
            raise ValueError(f"train.validation names '{wanted}', which is not under `test` (there: {known})")
        return self
