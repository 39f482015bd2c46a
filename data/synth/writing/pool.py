"""Drawing items in several processes and returning them in order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.cores import available_cores
from data.synth.resources import Resources
from data.synth.writing.output import Output
from data.synth.writing.shards import Shard

_CHUNKS = {"scene": 8, "crop": 64}
"""Items of one task: large enough that sending it costs nothing, small enough for an even progress bar."""
_AHEAD = 4
"""Tasks waiting for each process; more would only take memory."""


@dataclass(frozen=True)
class _Context:
    """The arguments that are the same for all items."""

    config: GenerateConfig
    resources: Resources
    output: Output

    def draw(self, folder: Path, split: str, indices: Iterable[int]) -> Iterator[Any]:
        for index in indices:
            yield self.output.draw(self.config, self.resources, folder, split, index)


@dataclass(frozen=True)
class _Task:
    folder: Path
    split: str
    indices: range


_context: _Context | None = None


class Pool:
    """The processes of a job, with one thread each; one worker draws in this process.

    After an exception the processes are killed, so that they write nothing more.

    Args:
        config, resources, output: arguments for drawing.
        items: number of items.
    """

    def __init__(self, config: GenerateConfig, resources: Resources, output: Output, items: int) -> None:
        self._context = _Context(config, resources, output)
        workers = config.workers or available_cores()
        self._chunk = max(1, min(_CHUNKS[output.unit], -(-items // (workers * _AHEAD))))
        self._workers = min(workers, -(-items // self._chunk))
        self._executor: ProcessPoolExecutor | None = None
        if self._workers > 1:
            # "spawn" everywhere: a forked copy of a process that has used threads may hang.
            self._executor = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(self._context,)
            )

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is None:
            return
        if kind is not None:
            # Before shutdown, which drops the list of processes. `terminate_workers` needs Python 3.14.
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(cancel_futures=True)

    def draw(self, shards: Sequence[tuple[Shard, Path]]) -> Iterator[Any]:
        """Draw every item of every shard and yield them in order.

        The first items of a shard may be drawn before the last items of the shard before are finished.

        Args:
            shards: each with the folder to write into, which is made when the shard is begun.
        """
        tasks = self._tasks(shards)
        if self._executor is None:
            threads = cv2.getNumThreads()
            cv2.setNumThreads(1)
            try:
                for task in tasks:
                    yield from self._context.draw(task.folder, task.split, task.indices)
            finally:
                cv2.setNumThreads(threads)
            return
        waiting: deque[Future[list[Any]]] = deque()
        try:
            for task in tasks:
                with _interrupts_wait():
                    waiting.append(self._executor.submit(_draw, task))
                if len(waiting) >= self._workers * _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        except BrokenProcessPool as error:
            time.sleep(0.2)  # a signal to all processes of the job will also reach this one, and has precedence
            raise UserError(
                "A process that draws was ended from outside, most likely for want of memory: set workers lower, and "
                "run the same command again, which goes on where this one stopped."
            ) from error

    def _tasks(self, shards: Sequence[tuple[Shard, Path]]) -> Iterator[_Task]:
        for shard, folder in shards:
            folder.mkdir(parents=True, exist_ok=True)
            end = shard.first + shard.count
            for first in range(shard.first, end, self._chunk):
                yield _Task(folder, shard.split, range(first, min(first + self._chunk, end)))


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Block Ctrl-C while processes are started; they inherit this, so that Ctrl-C does not interrupt their imports."""
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(context: _Context) -> None:
    global _context
    # Ctrl-C reaches every process of the terminal; only the parent should react to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    assert parent is not None, "only child processes are started with this"
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _context = context


def _end_with(sentinel: int) -> None:
    """End this process when its parent has ended; a killed parent cannot stop its children."""
    wait([sentinel])
    os._exit(1)


def _draw(task: _Task) -> list[Any]:
    assert _context is not None, "_start runs first in every process"
    return list(_context.draw(task.folder, task.split, task.indices))
