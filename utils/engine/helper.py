"""Initialises the processes of an executor. Each process imports this file, so it does not import torch."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process

import cv2

from utils.engine.stop import outlast_stop_signals


def start_helper() -> None:
    """Prepare this process to work for its parent: a single OpenCV thread, Ctrl-C ignored, an end with the parent.

    Without this, it would outlive a killed parent: it waits on a queue that it holds open itself.
    """
    outlast_stop_signals()
    cv2.setNumThreads(0)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
