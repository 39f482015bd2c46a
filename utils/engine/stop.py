"""Turns Ctrl-C, SIGTERM and SIGUSR1 into a request to stop, which the loop fulfils after the current iteration.

Slurm sends SIGUSR1 before a job's time ends (`sbatch --signal=USR1@120`), and SIGTERM at its end or on pre-emption.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType, TracebackType

log = logging.getLogger(__name__)


WARNINGS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGBREAK") if hasattr(signal, name))
"""Signals that announce the end: SIGUSR1 of a cluster, and Ctrl-Break, which can be sent to a process on Windows."""


class StopRequest:
    """Context manager: the first signal sets `wanted`, and a second Ctrl-C ends the program at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, *WARNINGS)

    def __init__(self) -> None:
        self.wanted = False
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopRequest:
        # Only the main thread can install handlers; in another thread, signals keep their usual effect.
        if threading.current_thread() is threading.main_thread():
            for signum in self.SIGNALS:
                self._former[signum] = signal.signal(signum, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._former.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    def _handle(self, signum: int, _frame: FrameType | None) -> None:
        if self.wanted and signum == signal.SIGINT:
            raise KeyboardInterrupt
        self.wanted = True
        log.info("%s: saving after this iteration", signal.Signals(signum).name)


GRACE_S = 60.0
"""Seconds after SIGTERM after which a loader process ends, if the main process has not ended it before."""


def outlast_stop_signals() -> None:
    """Make a loader process ignore the signals that ask a run to stop.

    These signals reach every process of the job, but only the main process decides what to do. A loader process works
    on until the main process ends it or dies; after SIGTERM, at most `GRACE_S` longer.
    """

    def end_in_the_end(_signum: int, _frame: FrameType | None) -> None:
        timer = threading.Timer(GRACE_S, os._exit, (1,))
        timer.daemon = True
        timer.start()

    for signum in (signal.SIGINT, *WARNINGS):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_in_the_end)
