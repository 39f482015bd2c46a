"""Settings that the sections of all dataset formats share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.schema.base import Section, UnitFloat


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
