"""Drawing scenes in all processes, in order, whatever their number."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import cv2

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.synth.gt_mat import SceneAnnotation
from data.synth.resources import Resources
from data.synth.scene_file import write_scene

_CHUNK = 8
"""Scenes of one task: large enough that sending it costs nothing, small enough for an even progress bar."""
_AHEAD = 4
"""Tasks waiting for each process; more would only hold memory."""

_state: tuple[GenerateConfig, Resources, Path] | None = None


def available_cores() -> int:
    """Return how many cores this process may use, which on a shared machine is fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def draw_all(
    config: GenerateConfig, resources: Resources, jobs: Sequence[tuple[str, int]], folder: Path
) -> Iterator[SceneAnnotation]:
    """Draw and write every (split, index) of `jobs`; yield the annotations in the order of `jobs`.

    Each process uses one thread. With one worker everything happens in this process.
    """
    chunks = [jobs[start : start + _CHUNK] for start in range(0, len(jobs), _CHUNK)]
    workers = min(config.workers or available_cores(), len(chunks))
    if workers <= 1:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            for chunk in chunks:
                yield from _draw_chunk_of(config, resources, folder, chunk)
        finally:
            cv2.setNumThreads(threads)
        return
    # "spawn" everywhere: a forked copy of a process that has used threads may hang.
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_start, initargs=(config, resources, folder)
    )
    try:
        waiting: deque[Future[list[SceneAnnotation]]] = deque()
        todo = iter(chunks)
        for chunk in todo:
            waiting.append(pool.submit(_draw_chunk, chunk))
            if len(waiting) >= workers * _AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    except BrokenProcessPool as error:
        raise UserError(
            "A process that draws scenes was ended from outside, most likely for want of memory: set workers lower."
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _start(config: GenerateConfig, resources: Resources, folder: Path) -> None:
    global _state
    # Ctrl-C reaches every process of the terminal; the parent alone decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    _state = (config, resources, folder)


def _draw_chunk(chunk: Sequence[tuple[str, int]]) -> list[SceneAnnotation]:
    assert _state is not None, "_start runs first in every process"
    return list(_draw_chunk_of(*_state, chunk))


def _draw_chunk_of(
    config: GenerateConfig, resources: Resources, folder: Path, chunk: Sequence[tuple[str, int]]
) -> Iterator[SceneAnnotation]:
    for split, index in chunk:
        yield write_scene(config, resources, folder, split, index)
