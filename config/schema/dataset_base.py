"""What the sections of all dataset formats have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.schema.base import Section, UnitFloat


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
