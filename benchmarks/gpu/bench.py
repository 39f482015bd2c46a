"""What the sections share: the device, the data, clocks, and the lines of the table."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from config.loader import load_config
from config.schema.run import RunConfig
from data.order import StreamBatchSampler
from utils.device import Amp
from utils.engine.task import Task
from utils.engine.trainer import Trainer
from utils.run.folder import RunFolder

MARK = "@@ "
"""Begins a line of a section's output that is a row of the table."""
OK, LOOK, FAIL = "ok", "look", "FAIL"


@dataclass(frozen=True)
class Bench:
    """Where and on what a section runs.

    Attributes:
        device: what is looked at.
        data: folder with `scenes` and `words`, each of them with `train` and `test`.
        work: folder for what is written.
        quick: fewer sizes and precisions.
        tiny: narrow networks and small inputs, to find mistakes in this program on a CPU.
    """

    device: torch.device
    data: Path
    work: Path
    quick: bool = False
    tiny: bool = False

    @property
    def amps(self) -> list[Amp]:
        """Precisions to look at."""
        if self.quick or self.tiny:
            return ["bf16", "off"]
        return ["bf16", "fp16", "off"]

    def detection(self, *overrides: str, recipe: str = "syn_train") -> Any:
        """Return a job of training CRAFT on the scenes."""
        settings = [
            f"train.datasets.0.root={self.data / 'scenes' / 'train'}", "train.validation=none",
            "model.backbone_weights=none", f"model.width={0.125 if self.tiny else 1.0}",
            f"train.data.output_size={64 if self.tiny else 768}",
        ]  # fmt: skip
        return self._config(recipe, "detection", *settings, *overrides)

    def recognition(self, *overrides: str) -> Any:
        """Return a job of training a recogniser on the words, which are also its test `words`."""
        train, test = (word_dataset(self.data / "words" / split) for split in ("train", "test"))
        settings = [f"train.datasets=[{train}]", "train.batch_ratio=null", f"test={{words: {{dataset: {test}}}}}"]
        return self._config("rec_train", "recognition", *settings, "train.validation=words", *overrides)

    def _config(self, recipe: str, task: str, *overrides: str) -> RunConfig:
        return load_config(recipe, [f"device={self.device}", f"results_dir={self.work / 'exp'}", *overrides], task)

    def synchronise(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def seconds(self, call: Callable[[], object], least: float = 1.0) -> tuple[float, float]:
        """Return the seconds that a call takes on the device, and those that the host needs to ask for it."""
        for _ in range(1 if self.tiny else 3):
            call()
        self.synchronise()
        begun, count = time.perf_counter(), 0
        while count < 2 or (not self.tiny and time.perf_counter() - begun < least):
            call()
            count += 1
        asked = time.perf_counter() - begun
        self.synchronise()
        return (time.perf_counter() - begun) / count, asked / count

    def waits(self, call: Callable[[], object]) -> list[str]:
        """Return the places in this project where a call waits for the device; on CUDA only."""
        if self.device.type != "cuda":
            return []
        found: list[str] = []

        def note(message: Any, *_: Any, **__: Any) -> None:
            if "synchroniz" in str(message):
                frames = [frame for frame in traceback.extract_stack()[:-1] if "site-packages" not in frame.filename]
                found.append(f"{Path(frames[-1].filename).name}:{frames[-1].lineno}")

        self.synchronise()
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = note
            torch.cuda.set_sync_debug_mode("warn")
            try:
                call()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sorted(set(found))

    def memory_gib(self) -> float:
        """Return the most memory used since this was last asked."""
        if self.device.type != "cuda":
            return float("nan")
        peak = torch.cuda.max_memory_allocated(self.device) / 2**30
        torch.cuda.reset_peak_memory_stats(self.device)
        return peak


class TrainingStep:
    """The trainer's own step on batches that are on the device already; call it.

    Args:
        bench: where.
        task: the job.
        config: of the job.
        amp: precision.
        batches: taken in turns.
    """

    def __init__(self, bench: Bench, task: Task, config: RunConfig, amp: Amp, batches: list[dict[str, Any]]) -> None:
        self._trainer = Trainer(
            task, config.train, config=config.model_dump(mode="json"), folder=RunFolder(bench.work / "steps"),
            device=bench.device, amp=amp,
        )  # fmt: skip
        self._sampler = StreamBatchSampler(task.samples_per_step, 0, config.train.end_iter)
        self._batches = [on_device(batch, bench.device) for batch in batches]
        task.model.train()

    def __call__(self) -> None:
        self._trainer._train_step([self._batches[self._trainer.step % len(self._batches)]], self._sampler)


def on_device(batch: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """Return a batch with its tensors on a device."""
    return {name: value.to(device) if isinstance(value, Tensor) else value for name, value in batch.items()}


def word_dataset(folder: Path) -> str:
    """Return the section of a folder of words, whichever way `generate.py` has written them."""
    kind = "labels_csv" if (folder / "labels.csv").is_file() else "lmdb"
    return f"{{format: {kind}, root: {folder}}}"


def logged(folder: RunFolder, split: str = "train") -> list[dict[str, Any]]:
    """Return the lines of a run's log."""
    lines = map(json.loads, folder.metrics.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["split"] == split]


def say(what: str, value: object, verdict: str = "") -> None:
    """Add a row to the table."""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    print(MARK + json.dumps([what, shown, verdict]), flush=True)


def judge(what: str, error: float, limit: float) -> None:
    """Add a row about an error that must be below a limit."""
    say(what, f"{error:.1e}", OK if error <= limit else FAIL)


def distance(x: Tensor, y: Tensor) -> float:
    """Return the distance of two tensors, as a share of the second one's length."""
    x, y = x.detach().cpu().double(), y.detach().cpu().double()
    return float((x - y).norm() / y.norm().clamp(min=1e-30))


@contextlib.contextmanager
def part(name: str) -> Iterator[None]:
    """Let a part of a section fail without the others."""
    try:
        yield
    except Exception as fault:
        traceback.print_exc()
        say(name, f"{type(fault).__name__}: {' '.join(str(fault).split())[:160]}", FAIL)
