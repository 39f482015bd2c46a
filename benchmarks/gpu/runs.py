"""Whole runs: do they wait for data, and is a resumed run the one that was not stopped."""

from __future__ import annotations

import os
import statistics

from benchmarks.gpu.bench import FAIL, LOOK, OK, Bench, logged, part, say
from utils.train_job import train_job


def data_wait(bench: Bench) -> None:
    """Train with few and with many loader processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    spans = [0] if bench.tiny else sorted({min(4, cores), max(1, cores - 2)})
    steps = 4 if bench.tiny else 48
    for workers in spans:
        for kind, job, size in (("CRAFT", bench.detection, 16), ("vgg_bilstm_ctc", bench.recognition, 192)):
            label = f"{kind}, {workers} loader processes"
            with part(label):
                config = job(
                    f"name=wait_{kind}_{workers}", f"train.batch_size={2 if bench.tiny else size}",
                    f"train.num_workers={workers}", f"train.end_iter={steps}", "train.validation=none",
                    f"train.log_interval={max(1, steps // 6)}", "train.warmup_iter=0",
                )  # fmt: skip
                lines = logged(train_job(config, fresh=True))[1:]
                rate, wait = (
                    statistics.median(line[name] for line in lines) for name in ("images_per_s", "data_wait_percent")
                )
                say(f"{label}: samples/s, waiting for data", f"{rate:.0f}, {wait:.0f} %", OK if wait < 5 else LOOK)


def resume(bench: Bench) -> None:
    """Stop a run half-way and resume it."""
    steps = 4 if bench.tiny else 20
    for amp in bench.amps[:1] if bench.tiny else bench.amps:
        with part(f"resume {amp}"):
            side = 64 if bench.tiny else 256
            settings = [
                f"amp={amp}", "train.batch_size=2", "train.num_workers=0", "train.log_interval=1",
                "train.ema_decay=0.9", "model.width=0.125", f"train.data.output_size={side}", "train.schedule=constant",
            ]  # fmt: skip
            whole = train_job(bench.detection(*settings, f"name=whole_{amp}", f"train.end_iter={steps}"), fresh=True)
            train_job(bench.detection(*settings, f"name=halves_{amp}", f"train.end_iter={steps // 2}"), fresh=True)
            halves = train_job(bench.detection(*settings, f"name=halves_{amp}", f"train.end_iter={steps}"), resume=True)
            pairs = zip(*([line["loss"] for line in logged(folder)] for folder in (whole, halves)), strict=True)
            # An iteration that was skipped has no loss, as fp16's first ones may be.
            far = max(abs(x - y) / abs(x) if None not in (x, y) else float(x is not y) for x, y in pairs)
            say(f"resume {amp}: greatest difference of a loss", f"{far:.1e}", OK if far < 0.05 else FAIL)
