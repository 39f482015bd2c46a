"""How far a part of the check is, and how long it will still take: on a terminal, and there only."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

_QUIET_SECONDS = 1.0


def with_bar(items: Iterable[T], total: int, description: str, unit: str = "image") -> Iterator[T]:
    """Yield the items, showing a bar on stderr once they take longer than a second; it goes away at the end."""
    bar = tqdm(
        items,
        total=total,
        desc=description,
        unit=unit,
        delay=_QUIET_SECONDS,
        leave=False,
        dynamic_ncols=True,
        disable=not sys.stderr.isatty(),
    )
    yield from bar
