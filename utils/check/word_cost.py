"""What a recognition run will cost: words per second of the network and of the data, and hours."""

from __future__ import annotations

import os
import statistics
import time
from typing import Any

import cv2
import torch

from config.errors import UserError
from config.schema.recognition import RecognitionConfig
from utils.check.cost import duration, starved
from utils.check.report import Report
from utils.device import autocast, peak_memory_bytes
from utils.engine.optimizer import descend, make_optimizer
from utils.tasks.recognition import RecognitionTask

_BATCHES, _SAMPLES = 8, 16
"""Batches of the run that are looked at, for their widths differ, and samples of each that are prepared."""
_DATA_SECONDS, _NETWORK_SECONDS = 6.0, 15.0


def report_word_cost(report: Report, task: RecognitionTask, config: RecognitionConfig) -> None:
    """Run a few iterations of a task and add what they say about the whole run; the task is spoilt by them."""
    train, size = config.train, task.samples_per_step
    try:
        sample_seconds, batches = prepared(task, config)
    except UserError as fault:
        report.problems.append(str(fault))
        return
    try:
        step_seconds = statistics.mean(step_times(task, config, batches))
    except torch.OutOfMemoryError:
        report.problems.append(
            f"{task.device} is out of memory with train.batch_size={size} and train.data.max_width="
            f"{train.data.max_width}; lower one of them"
        )
        return
    workers = min(train.num_workers, os.cpu_count() or 1)
    data_rate, network_rate = 1 / sample_seconds, size / step_seconds
    ready = data_rate * max(1, workers)
    waits = train.num_workers > 0 and ready < network_rate
    # Without loader processes the two take turns; with them the slower one decides.
    iteration = max(step_seconds, size / ready) if train.num_workers else step_seconds + size * sample_seconds
    iterations = train.end_iter - train.st_iter
    hours = iterations * iteration / 3600
    slower = "data" if waits or (not train.num_workers and size * sample_seconds > step_seconds) else "network"
    report.figures["cost"] = {
        "device": str(task.device),
        "amp": task.amp,
        "batch": size,
        "network_words_per_s": network_rate,
        "step_s": step_seconds,
        "data_words_per_s_one_worker": data_rate,
        "peak_memory_gb": peak_memory_bytes(task.device) / 1e9,
        "bottleneck": slower,
        "hours": hours,
    }
    lines = [
        f"network     {network_rate:8.3g} words/s   {step_seconds:.3g} s for a step of {size}, on {task.device}, "
        f"amp {task.amp}",
        f"data        {data_rate:8.3g} words/s   with one loader process"
        + (f"; about {ready:.3g} with {workers}" if workers > 1 else ""),
        f"memory      {report.figures['cost']['peak_memory_gb']:8.3g} GB        "
        + ("of the GPU" if task.device.type == "cuda" else "of this process at most, so far"),
        f"whole run   {duration(hours)} for {iterations:,} iterations, evaluations not counted; the {slower} sets "
        "the pace",
    ]
    if train.num_workers > workers:
        lines.append(f"train.num_workers is {train.num_workers}, but there are {workers} CPU cores")
    if waits:
        report.remarks.append(starved(data_rate, network_rate, train.num_workers, "words"))
    report.section("Cost of an iteration", lines)


def prepared(task: RecognitionTask, config: RecognitionConfig) -> tuple[float, list[list[dict[str, Any]]]]:
    """Prepare samples in one thread, as one loader process does.

    Returns:
        Mean seconds of a sample, and some samples of each of a few batches of the run.
    """
    window = config.train.data.bucket_batches or _BATCHES
    size = task.samples_per_step
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)
    groups, seconds, begun = [], [], time.perf_counter()
    try:
        task.dataset[0]  # Opens files, and sorts the window.
        for number in range(_BATCHES):
            first = number * window // _BATCHES * size
            group = []
            for position in range(first, first + min(size, _SAMPLES)):
                started = time.perf_counter()
                group.append(task.dataset[position])
                seconds.append(time.perf_counter() - started)
            groups.append(group)
            if time.perf_counter() - begun > _DATA_SECONDS:
                break
    finally:
        cv2.setNumThreads(threads)
    return statistics.mean(seconds), groups


def step_times(task: RecognitionTask, config: RecognitionConfig, groups: list[list[dict[str, Any]]]) -> list[float]:
    """Return the seconds of a step with a batch made of each group, over and over; of fewer where they are slow."""
    optimizer = make_optimizer(task.model.parameters(), config.train)
    scaler = torch.amp.GradScaler(task.device.type, enabled=task.amp == "fp16")
    task.model.train()
    seconds: list[float] = []
    begun = time.perf_counter()
    for number, group in enumerate([groups[0], *groups]):  # The first one is warm-up.
        batch = task.collate([group[place % len(group)] for place in range(task.samples_per_step)])
        there = {
            name: value.to(task.device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()
        }
        started = time.perf_counter()
        with autocast(task.device, task.amp):
            loss = task.loss(task.model, there)["loss"]
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        descend(task.model, optimizer, scaler, config.train.grad_clip).item()
        if task.device.type == "cuda":
            torch.cuda.synchronize(task.device)
        taken = time.perf_counter() - started
        if number:
            seconds.append(taken)
        if seconds and time.perf_counter() - begun + taken > _NETWORK_SECONDS:
            break
    return seconds
