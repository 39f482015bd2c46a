"""Training steps of the detector and of recognisers: how fast, and do they wait for the device."""

from __future__ import annotations

import itertools

import torch

from benchmarks.gpu.bench import LOOK, OK, Bench, TrainingStep, part, say
from utils.device import resolve_amp
from utils.tasks.detection import DetectionTask
from utils.tasks.recognition import RecognitionTask

CPU = torch.device("cpu")


def detection(bench: Bench) -> None:
    """Measure steps of CRAFT, by precision and batch, translated by `torch.compile` at last."""
    sizes = [2] if bench.tiny else [16] if bench.quick else [16, 8, 32]
    pool = DetectionTask(bench.detection("train.batch_size=2"), CPU, "off")
    samples = [pool.dataset[place] for place in range(max(2, min(8, sizes[0])))]
    compiled = [] if bench.tiny else [("bf16", sizes[0], "train.compile=true")]
    for amp, size, more in [*((a, b, "train.compile=false") for a in bench.amps for b in sizes), *compiled]:
        label = f"CRAFT {amp} batch {size}{' compiled' if more.endswith('true') else ''}"
        with part(label):
            config = bench.detection(f"train.batch_size={size}", f"amp={amp}", "train.ema_decay=0.999", more)
            task = DetectionTask(config, bench.device, resolve_amp(amp, bench.device))
            batch = pool.collate(list(itertools.islice(itertools.cycle(samples), size)))
            _measure(bench, label, "images", size, TrainingStep(bench, task, config, task.amp, [batch]))


def recognition(bench: Bench) -> None:
    """Measure steps of recognisers on batches of several widths."""
    sizes = [4] if bench.tiny else [192] if bench.quick else [192, 1024]
    for name, amp, size in itertools.product(("vgg_bilstm_ctc", "crnn_digits"), bench.amps, sizes):
        label = f"{name} {amp} batch {size}"
        with part(label):
            overrides = [f"model.architecture={name}", "train.grad_clip=5", "train.ema_decay=0.999"]
            config = bench.recognition(f"train.batch_size={size}", f"amp={amp}", *overrides)
            task = RecognitionTask(config, bench.device, resolve_amp(amp, bench.device))
            places = [range(start * size, (start + 1) * size) for start in range(2 if bench.tiny else 4)]
            batches = [task.collate([task.dataset[place] for place in batch]) for batch in places]
            _measure(bench, label, "words", size, TrainingStep(bench, task, config, task.amp, batches))


def _measure(bench: Bench, label: str, unit: str, size: int, step: TrainingStep) -> None:
    bench.memory_gib()
    seconds, asked = bench.seconds(step)
    say(f"{label}: {unit}/s", size / seconds)
    say(f"{label}: step, host, memory", f"{1e3 * seconds:.1f} ms, {1e3 * asked:.1f} ms, {bench.memory_gib():.1f} GiB")
    waits = bench.waits(step)
    say(f"{label}: waits for the device", ", ".join(waits) or "none", LOOK if waits else OK)
