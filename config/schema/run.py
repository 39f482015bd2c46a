"""Settings that every job with a training run and tests has, whatever it trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

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


RunName = Annotated[str, AfterValidator(_folder_name)]


class RunConfig(Section):
    """What all jobs have in common; a job adds `model`, `train` and `test`."""

    task: str
    """The job."""
    name: RunName | None = None
    """Name of the run's folder in `results_dir`; null takes the YAML's file name."""
    results_dir: str = "./exp/"
    """Folder of all runs."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1111
    """Every random choice is a function of this and of the sample's position in the run."""
    device: str = "auto"
    """`auto` (CUDA, else MPS, else CPU), `cpu`, `cuda`, `cuda:N` or `mps`."""
    amp: Literal["bf16", "fp16", "off"] = "bf16"
    """Mixed precision; parameters, targets and losses stay in float32. `off` computes in float32 throughout; with the
    others, convolutions and LSTMs that stay in float32 may use TF32 on CUDA."""
    trained_model: str | None = None
    """Checkpoint that `eval.py` evaluates; null takes the run's `best.pth`."""

    if TYPE_CHECKING:  # Each job has a type of its own for these.
        train: Training
        test: dict[str, Section]

    @model_validator(mode="after")
    def _validation_is_a_test(self) -> Self:
        wanted = self.train.validation
        if wanted not in (None, NO_VALIDATION) and wanted not in self.test:
            known = ", ".join(self.test) or "nothing"
            raise ValueError(f"train.validation names '{wanted}', which is not under `test` (there: {known})")
        return self
