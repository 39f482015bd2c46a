"""Checked values of JSON files: each function accepts a value only if it has the expected form."""

from __future__ import annotations

import math
from typing import Any


def flat_points(value: Any) -> list[float] | None:
    """Return `[[x, y], ...]` as x and y in turn, or None if it is not a list of pairs of numbers."""
    if not isinstance(value, list):
        return None
    flat: list[Any] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        flat += pair
    return flat if are_numbers(flat) else None


def are_numbers(values: Any) -> bool:
    """Tell whether a value is a list of numbers that fit a float (`true` is not a number)."""
    return isinstance(values, list) and all(
        type(value) is float or (type(value) is int and abs(value) < 2**63) for value in values
    )


def integer(value: Any) -> int:
    """Return a size in pixels, or 0 if the value is not one."""
    if type(value) is float and math.isfinite(value):
        value = int(value)
    return value if type(value) is int and 0 < value < 2**31 else 0
