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
    """Yield what `load` returns for each index, in order, or the `UnreadableSample` that it raised.

    Args:
        load: called from several threads at once.
        indices: samples of a dataset.
        threads: number of threads.
        depth: how many samples are loaded beforehand; it is limited because images are large.
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
