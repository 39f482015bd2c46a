"""What a check shows while it works: how far it is, on a terminal and there only, and no log."""

from __future__ import annotations

import contextlib
import logging
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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Log nothing below an error meanwhile: what a check finds stands in its report."""
    before = logging.root.manager.disable
    logging.disable(max(before, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(before)
