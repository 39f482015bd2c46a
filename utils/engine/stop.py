"""Turns Ctrl-C, SIGTERM and SIGUSR1 into a wish to stop, which the loop grants after the current iteration.

Slurm sends SIGUSR1 ahead of a job's end (`sbatch --signal=USR1@120`), and SIGTERM at its end or when it is pre-empted.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from types import FrameType, TracebackType

log = logging.getLogger(__name__)


WARNINGS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGBREAK") if hasattr(signal, name))
"""Signals that announce the end: a cluster's, and on Windows Ctrl-Break, which alone can be sent to a process there."""


class StopRequest:
    """A context in which the first signal sets `wanted`, and a second Ctrl-C ends the program at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, *WARNINGS)

    def __init__(self) -> None:
        self.wanted = False
        self._former: dict[signal.Signals, object] = {}

    def __enter__(self) -> StopRequest:
        # Python lets the main thread alone install handlers; elsewhere the run cannot be interrupted politely.
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
"""A loader process that was told to end and is not let go within this time ends by itself."""


def outlast_stop_signals() -> None:
    """For loader processes: Ctrl-C, and a cluster's signals, reach every process of the job, but what they mean is the
    main one's to decide. A loader process works on until the main one lets it go or dies, or the grace is over."""

    def end_in_the_end(_signum: int, _frame: FrameType | None) -> None:
        timer = threading.Timer(GRACE_S, os._exit, (1,))
        timer.daemon = True
        timer.start()

    for signum in (signal.SIGINT, *WARNINGS):
        signal.signal(signum, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end_in_the_end)
