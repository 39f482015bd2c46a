"""The cost of a run: samples per second of network and data loading, the bottleneck, memory, and hours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from config.errors import UserError
from config.schema.run import NO_VALIDATION, RunConfig
from data.cores import available_cores
from data.reader import UnreadableSample
from utils.check.report import Report, quiet
from utils.check.timing import StepTime, StepTimer, prepare_samples
from utils.device import Amp, effective_amp, resolve_device
from utils.engine.batches import loader_processes
from utils.engine.memory_messages import out_of_memory
from utils.engine.task import Task
from utils.tasks.registry import task_class


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
    loaders, cores = loader_processes(train, task.device), available_cores()
    workers = min(loaders, cores)
    data_rate, network_rate = 1 / sample_seconds, size / step.seconds
    prepared = data_rate * max(1, workers)
    # Without loader processes, loading and training alternate; with them, the slower one decides.
    iteration = max(step.seconds, size / prepared) if loaders else step.seconds + size * sample_seconds
    waits = loaders > 0 and prepared < network_rate
    slower = "data" if waits or (not loaders and size * sample_seconds > step.seconds) else "network"
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
    if loaders > cores:
        lines.append(f"train.num_workers is {loaders}, but there are {cores} CPU cores")
    if waits:
        report.remarks.append(_starved(data_rate, network_rate, loaders, task.unit))
    report.section("Cost of an iteration", lines)


def _starved(data_rate: float, network_rate: float, workers: int, unit: str) -> str:
    """Return the sentence about a device that waits for data.

    Args:
        data_rate: samples per second of one loader process.
        network_rate: samples per second of the network.
        workers: number of loader processes.
        unit: name of the samples, such as "images".
    """
    wanted = -(-network_rate // data_rate)
    cores = available_cores()
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


def trial_task(report: Report, config: RunConfig, readers: Mapping[str, Any], *, initial_weights: bool) -> Task | None:
    """Create the task of a job without its evaluation; if that fails, add a problem to the report and return None.

    Args:
        report: the report.
        config: the whole job.
        readers: the datasets, by their place in the configuration.
        initial_weights: load the initial weights of the run.
    """
    device = resolve_device(config.device)
    amp, _ = effective_amp(config.amp, device)
    try:
        return unevaluated_task(config, device, amp, readers=readers, initial_weights=initial_weights)
    except UserError as fault:
        if str(fault) not in report.problems:
            report.problems.append(str(fault))
        return None


def unevaluated_task(config: RunConfig, device: torch.device, amp: Amp, **options: Any) -> Task:
    """Return the task of a job without its evaluation, so its test data may be missing."""
    train = config.train.model_copy(update={"validation": NO_VALIDATION})
    with quiet():
        return task_class(config)(config.model_copy(update={"train": train}), device, amp, **options)
