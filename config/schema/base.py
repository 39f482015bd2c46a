"""The base class of all sections of the configuration, and common types of settings."""

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
