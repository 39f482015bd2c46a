"""The base classes of all sections of the configuration and of all datasets, and common types of settings."""

from __future__ import annotations

import os.path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A group of settings: typed, immutable, and strict about unknown keys.

    The docstring of each field is printed in `docs/configuration.md`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegativeFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
UserPath = Annotated[str, AfterValidator(os.path.expanduser)]
"""A path in which ~ stands for the user's home."""
Options = dict[str, Any]
"""What a registered class or function takes from the YAML; `config.registry` checks it when the name is looked up."""
UnitFloat = Annotated[float, Field(ge=0, le=1)]


def ordered(limits: list[float]) -> list[float]:
    """Return the pair as it is.

    Raises:
        ValueError: the least is greater than the greatest.
    """
    if limits[0] > limits[1]:
        raise ValueError(f"a range is [least, greatest], but {limits[0]} is greater than {limits[1]}")
    return limits


PAIR = Field(min_length=2, max_length=2)


class DatasetBase(Section):
    """Settings of every dataset."""

    @property
    def source(self) -> str:
        """The name of the dataset in messages."""
        raise NotImplementedError

    samples: Annotated[int, Field(ge=-1)] = -1
    """Number of samples to use, spread evenly over the dataset; -1 uses all."""

    max_dropped: UnitFloat = 0.01
    """Maximum share of words that are left out as faulty; with a higher share, the run does not start."""
