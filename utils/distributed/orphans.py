"""Ending with whoever started this process.

An agent that is killed cannot end its processes. They would train on, beside those of the restarted job.
"""

from __future__ import annotations

import os
import threading
import time

_EVERY_S = 0.5


def end_with_parent() -> None:
    """Let this process end, at once, when the one that started it has."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
