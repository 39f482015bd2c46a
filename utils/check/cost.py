"""The cost of a run: samples per second of network and data loading, the bottleneck, memory, and hours."""

from __future__ import annotations

import os

from config.errors import UserError
from config.schema.run import RunConfig
from data.reader import UnreadableSample
from utils.check.report import Report
from utils.check.timing import StepTime, StepTimer, prepare_samples
from utils.engine.memory_probe import out_of_memory
from utils.engine.task import Task


def report_cost(report: Report, task: Task, config: RunConfig) -> None:
    """Run a few iterations of a task and add the estimated cost of the run; this changes the weights of the task."""
    train, size = config.train, task.samples_per_step
    try:
        sample_seconds, groups = prepare_samples(task)
    except (UserError, UnreadableSample) as fault:
        report.problems.append(str(fault))
        return
    first = task.stage_end(train.st_iter)
    labelling = None if first is None else task.stage_seconds()  # Before the timed steps change the weights.
    step = StepTimer(task, train).measure(groups, size)
    if step.too_large:
        report.problems.append(_too_large(step, task, config))
    if step.batch == 0:
        return
    workers = min(train.num_workers, os.cpu_count() or 1)
    data_rate, network_rate = 1 / sample_seconds, size / step.seconds
    prepared = data_rate * max(1, workers)
    # Without loader processes, loading and training alternate; with them, the slower one decides.
    iteration = max(step.seconds, size / prepared) if train.num_workers else step.seconds + size * sample_seconds
    waits = train.num_workers > 0 and prepared < network_rate
    slower = "data" if waits or (not train.num_workers and size * sample_seconds > step.seconds) else "network"
    iterations = train.end_iter - train.st_iter
    passes = 0 if first is None else -(-iterations // (first - train.st_iter))
    hours = (iterations * iteration + passes * (labelling or 0.0)) / 3600
    report.figures["cost"] = {
        "device": str(task.device),
        "amp": task.amp,
        "batch": size,
        f"network_{task.unit}_per_s": network_rate,
        "step_s": step.seconds,
        "measured_with": {"batch": step.batch, "side": step.side, "extrapolated": not step.measured},
        f"data_{task.unit}_per_s_one_worker": data_rate,
        "peak_memory_gb": step.peak_bytes / 1e9,
        "bottleneck": slower,
        "hours": hours,
        "labelling_pass_s": labelling,
        "labelling_passes": passes,
    }
    lines = [
        f"network     {network_rate:8.3g} {task.unit}/s   {step.seconds:.3g} s for a step of {size} {task.unit}, on "
        f"{task.device}, amp {task.amp}",
        f"data        {data_rate:8.3g} {task.unit}/s   with one loader process"
        + (f"; about {prepared:.3g} with {workers}" if workers > 1 else ""),
        f"memory      {step.peak_bytes / 1e9:8.3g} GB         "
        + ("of the GPU" if task.device.type == "cuda" else "of this process at most, so far"),
        f"whole run   {duration(hours)} for {iterations:,} iterations, without evaluations; the {slower} is the "
        "bottleneck",
    ]
    if labelling is not None:
        lines.insert(3, f"labelling   {duration(labelling / 3600)} for a pass over the words, at most {passes:,} times")
    if not step.measured:
        shape = f"{step.batch} {task.unit}" if step.side is None else f"{step.batch} x {step.side} x {step.side} pixels"
        lines.append(
            f"the network was run with {shape} only and the time was extrapolated, to keep the check short; a whole "
            "batch needs more memory"
        )
    if train.num_workers > workers:
        lines.append(f"train.num_workers is {train.num_workers}, but there are {workers} CPU cores")
    if waits:
        report.remarks.append(_starved(data_rate, network_rate, train.num_workers, task.unit))
    report.section("Cost of an iteration", lines)


def _starved(data_rate: float, network_rate: float, workers: int, unit: str) -> str:
    """Return the sentence about a device that waits for data.

    Args:
        data_rate: samples per second of one loader process.
        network_rate: samples per second of the network.
        workers: `train.num_workers`.
        unit: name of the samples, such as "images".
    """
    wanted = -(-network_rate // data_rate)
    cores = os.cpu_count() or 1
    remedy = (
        f"raise train.num_workers to {wanted:.0f}"
        if workers < wanted <= cores
        else f"it would need {wanted:.0f} loader processes, but there are {cores} CPU cores"
    )
    return (
        f"the network processes {network_rate:.3g} {unit}/s and a loader process prepares {data_rate:.3g}, so the "
        f"device will wait for data; {remedy}"
    )


def _too_large(step: StepTime, task: Task, config: RunConfig) -> str:
    part = f" ({step.batch} of the {step.configured} {task.unit} of an iteration fit)" if step.batch else ""
    return out_of_memory(task, config) + part


def duration(hours: float) -> str:
    """Return "about 12 minutes", "about 7.5 hours" or "about 3 days"."""
    if hours < 0.1:
        return f"about {60 * hours:.2g} minutes"
    return f"about {hours:.3g} hours" if hours < 48 else f"about {hours / 24:.3g} days"
