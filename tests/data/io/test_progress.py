"""What a log without a terminal is told."""

from __future__ import annotations

import logging
import re

from data.io import progress


def test_log_without_a_terminal_tells_rate_and_time_left(monkeypatch, caplog) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    bar = progress.Progress(2000, 500, "crop")
    with caplog.at_level(logging.INFO):
        for _ in range(700):
            now[0] += 0.125
            bar.update()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and lines[0].startswith("740 of 2,000 crops (37%), 8.0 crops/s, ")
    assert re.search(r" 0?2:37 left", lines[0])
    assert bar.summary() == "700 crops in 87.5 s (8.0 crops/s)"
