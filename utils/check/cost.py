"""What the run will cost: images per second of the network and of the data, which of the two waits, memory, hours."""

from __future__ import annotations

import os
from collections.abc import Sequence

from config.errors import UserError
from config.schema.detection import DetectionConfig
from data.reader import UnreadableSample
from utils.check.report import Report
from utils.check.sources import Source
from utils.check.timing import StepTime, StepTimer, data_seconds, training_set
from utils.device import effective_amp, resolve_device


def report_cost(report: Report, sources: Sequence[Source], config: DetectionConfig) -> None:
    """Run a few iterations and add what they say about the whole run."""
    device = resolve_device(config.device)
    amp, _ = effective_amp(config.amp, device)
    try:
        samples, batch_size = training_set(sources, config)
        sample_seconds, kept = data_seconds(samples, min(batch_size, 8))
    except (UserError, UnreadableSample) as fault:
        report.problems.append(str(fault))
        return
    step = StepTimer(config, device, amp).measure(kept, batch_size)
    train = config.train
    if step.batch == 0:
        report.problems.append(_too_large(step, config, str(device)))
        return
    workers = min(train.num_workers, os.cpu_count() or 1)
    data_rate, network_rate = 1 / sample_seconds, batch_size / step.seconds
    prepared = data_rate * max(1, workers)
    waits = train.num_workers > 0 and prepared < network_rate
    # Without loader processes the two take turns; with them the slower one decides.
    iteration = max(step.seconds, batch_size / prepared)
    if not train.num_workers:
        iteration = step.seconds + batch_size * sample_seconds
    iterations = train.end_iter - train.st_iter
    hours = iterations * iteration / 3600
    labelling, passes = None, 0
    if train.weak is not None:
        from utils.check.labelling_cost import labelling_seconds

        images = sum(len(source.reader) for source in sources if source.role == "words")
        passes = -(-iterations // (train.weak.relabel_interval or max(1, -(-images // train.batch_size))))
        labelling = labelling_seconds(sources, config, device, amp)
        hours += passes * (labelling or 0.0) / 3600
    report.figures["cost"] = {
        "device": str(device),
        "amp": amp,
        "batch": batch_size,
        "network_images_per_s": network_rate,
        "step_s": step.seconds,
        "measured_with": {"batch": step.batch, "side": step.side, "extrapolated": not step.measured},
        "data_images_per_s_one_worker": data_rate,
        "peak_memory_gb": step.peak_bytes / 1e9,
        "bottleneck": "data" if waits or (not workers and batch_size * sample_seconds > step.seconds) else "network",
        "hours": hours,
        "labelling_pass_s": labelling,
        "labelling_passes": passes,
    }
    lines = [
        f"network     {network_rate:8.3g} images/s   {step.seconds:.3g} s for a step of {batch_size} images, "
        f"on {device}, amp {amp}",
        f"data        {data_rate:8.3g} images/s   with one loader process"
        + (f"; about {prepared:.3g} with {workers}" if workers > 1 else ""),
        f"memory      {step.peak_bytes / 1e9:8.3g} GB         "
        + ("of the GPU" if device.type == "cuda" else "of this process at most, so far"),
        f"whole run   {duration(hours)} for {iterations:,} iterations, evaluations not counted; "
        f"the {report.figures['cost']['bottleneck']} sets the pace",
    ]
    if labelling is not None:
        lines.insert(3, f"labelling   {duration(labelling / 3600)} for a pass over the words, at most {passes:,} times")
    if not step.measured:
        lines.append(
            f"the network was run with {step.batch} x {step.side} x {step.side} pixels only and its time extrapolated, "
            "to keep you from waiting; a whole batch takes more memory than that"
        )
    if train.num_workers > workers:
        lines.append(f"train.num_workers is {train.num_workers}, but there are {workers} CPU cores")
    if step.too_large:
        report.problems.append(_too_large(step, config, str(device)))
    if waits:
        report.remarks.append(starved(data_rate, network_rate, train.num_workers))
    report.section("Cost of an iteration", lines)


def starved(data_rate: float, network_rate: float, workers: int, unit: str = "images") -> str:
    """Return the sentence about a device that waits for its data.

    Args:
        data_rate: of one loader process, a second.
        network_rate: of the network, a second.
        workers: `train.num_workers`.
        unit: what is counted.
    """
    wanted = -(-network_rate // data_rate)
    cores = os.cpu_count() or 1
    remedy = (
        f"raise train.num_workers to {wanted:.0f}"
        if workers < wanted <= cores
        else f"it would take {wanted:.0f} loader processes, and there are {cores} CPU cores"
    )
    return (
        f"the network takes {network_rate:.3g} {unit}/s and a loader process prepares {data_rate:.3g}, so the device "
        f"will wait for data; {remedy}"
    )


def _too_large(step: StepTime, config: DetectionConfig, device: str) -> str:
    side = config.train.data.output_size
    if step.batch == 0:
        return f"{device} is out of memory with a single image of {side} pixels; lower train.data.output_size"
    return (
        f"{device} is out of memory with a batch of {step.configured} images of {side} pixels, while {step.batch} fit; "
        "lower train.batch_size or train.data.output_size"
    )


def duration(hours: float) -> str:
    """Return "about 12 minutes", "about 7.5 hours" or "about 3 days"."""
    if hours < 0.1:
        return f"about {60 * hours:.2g} minutes"
    return f"about {hours:.3g} hours" if hours < 48 else f"about {hours / 24:.3g} days"
