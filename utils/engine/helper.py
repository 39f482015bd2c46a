"""Starts the processes of an executor. Apart from the rest, for each of them imports this: it costs no torch."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process

import cv2

from utils.engine.stop import outlast_stop_signals


def start_helper() -> None:
    """Prepare this process to work for its parent: one thread, ended by the parent alone, and with it.

    Waiting for work on a queue whose other end it holds itself, it would otherwise outlive a parent that was killed.
    """
    outlast_stop_signals()
    cv2.setNumThreads(0)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
