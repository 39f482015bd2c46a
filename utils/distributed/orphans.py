"""Ending this process when its parent process ends.

A torchrun agent that is killed cannot end its processes. They would go on training next to those of the restarted job.
"""

from __future__ import annotations

import os
import threading
import time

_EVERY_S = 0.5


def end_with_parent() -> None:
    """Start a thread that ends this process as soon as its parent process has ended."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
