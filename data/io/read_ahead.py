"""Reading samples in other threads while the caller computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from data.reader import UnreadableSample

T = TypeVar("T")


def read_ahead(
    load: Callable[[int], T], indices: Iterable[int], *, threads: int = 1, depth: int = 1
) -> Iterator[T | UnreadableSample]:
    """Yield what `load` makes of each index, in their order; where it raises `UnreadableSample`, that exception.

    Args:
        load: called from several threads at once.
        indices: samples of a dataset.
        threads: how many of them read.
        depth: samples that are made beforehand; images are large, so it is not all of them.
    """

    def attempt(index: int) -> T | UnreadableSample:
        try:
            return load(index)
        except UnreadableSample as fault:
            return fault

    with ThreadPoolExecutor(threads, thread_name_prefix="read-ahead") as pool:
        pending: deque[Future[T | UnreadableSample]] = deque()
        for index in indices:
            pending.append(pool.submit(attempt, index))
            if len(pending) > depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
