"""Types of ranges, [minimum, maximum], from which the generator draws a value for each scene or crop."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from config.schema.base import PAIR, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, UnitFloat, ordered

SideRange = Annotated[list[Annotated[int, Field(ge=64, le=8192)]], PAIR, AfterValidator(ordered)]
CountRange = Annotated[list[PositiveInt], PAIR, AfterValidator(ordered)]
CountRangeFromZero = Annotated[list[NonNegativeInt], PAIR, AfterValidator(ordered)]
PositiveRange = Annotated[list[PositiveFloat], PAIR, AfterValidator(ordered)]
NonNegativeRange = Annotated[list[NonNegativeFloat], PAIR, AfterValidator(ordered)]
UnitRange = Annotated[list[UnitFloat], PAIR, AfterValidator(ordered)]
AngleRange = Annotated[list[Annotated[float, Field(ge=-180, le=180)]], PAIR, AfterValidator(ordered)]
TiltRange = Annotated[list[Annotated[float, Field(ge=-60, le=60)]], PAIR, AfterValidator(ordered)]
DistanceRange = Annotated[list[Annotated[float, Field(ge=1, allow_inf_nan=False)]], PAIR, AfterValidator(ordered)]
FactorRange = Annotated[list[Annotated[float, Field(gt=0, le=4)]], PAIR, AfterValidator(ordered)]
QualityRange = Annotated[list[Annotated[int, Field(ge=1, le=100)]], PAIR, AfterValidator(ordered)]
SignedRange = Annotated[list[Annotated[float, Field(ge=-1, le=2)]], PAIR, AfterValidator(ordered)]
WeightRange = Annotated[list[Annotated[int, Field(ge=1, le=1000)]], PAIR, AfterValidator(ordered)]
SpacingRange = Annotated[list[Annotated[float, Field(ge=-0.1, le=2)]], PAIR, AfterValidator(ordered)]
ScaleRange = Annotated[list[Annotated[float, Field(ge=0.1, le=1)]], PAIR, AfterValidator(ordered)]
