"""The form every section of the configuration shares, and what all sections of datasets have."""

from __future__ import annotations

import os.path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A group of settings: typed, immutable, and without room for an unknown key.

    The text under each field is the manual: it is what `docs/configuration.md` prints.
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
    """What every dataset has."""

    @property
    def source(self) -> str:
        """What a message calls the dataset."""
        raise NotImplementedError

    samples: Annotated[int, Field(ge=-1)] = -1
    """Use only so many samples, spread evenly over the dataset; -1 uses all."""

    max_dropped: UnitFloat = 0.01
    """Greatest share of words that may be left out as faulty before the run refuses to start."""
