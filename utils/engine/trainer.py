"""The training loop of every job."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from torch import nn

from config.errors import UserError
from config.schema.training import Training
from data.order import StreamBatchSampler
from utils.device import Amp, kernels_by_trial, peak_memory_bytes
from utils.distributed.processes import ALONE, Processes
from utils.distributed.replicas import Replicas
from utils.engine.batches import Batch, batches
from utils.engine.ema import WeightAverage
from utils.engine.gradient import accumulate_gradient, seed_step
from utils.engine.memory_probe import check_batch_fits
from utils.engine.nonfinite import NonFiniteGuard
from utils.engine.optimizer import descend, load_optimizer, make_optimizer, warn_about_rate
from utils.engine.progress import Meter, Progress
from utils.engine.running import RunningMeans
from utils.engine.schedule import learning_rate
from utils.engine.scores import Scores
from utils.engine.stop import StopRequest
from utils.engine.task import Task
from utils.engine.unreadable import UnreadableCount
from utils.run.folder import RunFolder
from utils.run.metrics_log import MetricsLog, Records
from utils.run.provenance import provenance
from utils.run.store import CheckpointStore

log = logging.getLogger(__name__)


class Trainer:
    """Trains the model of a task from its present iteration to `end_iter`.

    The batch, augmentation, dropout and learning rate of an iteration depend on its index only, so a resumed run equals
    a run without a stop. With several processes, each has a trainer, and all trainers hold the same state after every
    iteration; they decide together whether to stop.

    Args:
        task: the job.
        settings: the `train` section.
        config: the resolved configuration as plain values, kept in every checkpoint.
        folder: where the run writes its files.
        device: of the model.
        amp: precision of the forward pass.
        processes: the processes of the run; the main process writes the files.
    """

    def __init__(
        self,
        task: Task,
        settings: Training,
        *,
        config: dict[str, Any],
        folder: RunFolder,
        device: torch.device,
        amp: Amp,
        processes: Processes = ALONE,
    ) -> None:
        self.task = task
        self.processes = processes
        self.settings = settings
        self.config = config
        self.folder = folder
        self.device = device
        self.amp: Amp = amp
        self.step = settings.st_iter
        self.scores = Scores()
        self.metrics: dict[str, float] = {}
        self.replicas = Replicas(task.model, processes, settings.accumulate, compiled=settings.compile)
        self.optimizer = make_optimizer(task.model.parameters(), settings)
        self.scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
        self.ema = WeightAverage(task.model, settings.ema_decay) if settings.ema_decay else None
        self.provenance = provenance(task.data_fingerprint)
        self._means = RunningMeans()
        self._unreadable = UnreadableCount(settings.max_unreadable, folder.unreadable if processes.is_main else None)
        self.store = CheckpointStore(folder, settings.keep_last)
        self._guard = NonFiniteGuard(
            task.model, folder, allowed=settings.max_nonfinite, fp16=amp == "fp16", rank=processes.rank
        )
        self._evaluation_due = False
        self._ended_early = False
        self._fits = False

    @property
    def evaluated_model(self) -> nn.Module:
        """The network that evaluations and pictures use: the averaged weights if `ema_decay` is set."""
        return self.ema.module if self.ema is not None else self.task.model

    def restore(self, content: dict[str, Any]) -> None:
        """Continue from a checkpoint that `utils.run.checkpoint.load` has read."""
        self.task.model.load_state_dict(content[self.task.weights_key])
        load_optimizer(self.optimizer, content["optimizer"])
        if self.scaler.is_enabled() and content["scaler"]:  # Empty if the run has not used fp16 so far.
            self.scaler.load_state_dict(content["scaler"])
        if self.ema is not None:
            self.ema.module.load_state_dict(content["ema"])
            self.ema.updates = content["ema_updates"]
        torch.set_rng_state(content["rng"])
        self.step = content["step"]
        self.scores.restore(content["scores"])
        self.task.restore(content["task_state"])
        self.metrics = content["metrics"]
        self._means.restore(content["means"], self.device)
        self._unreadable.count = content["unreadable"]
        self._guard.restore(content.get("nonfinite", {"skipped": 0, "in_a_row": 0}))
        self._evaluation_due = content["evaluation_due"]

    def state(self) -> dict[str, Any]:
        """Return the content of a checkpoint: plain values and tensors."""
        return {
            "task": self.config["task"],
            "config": self.config,
            "step": self.step,
            self.task.weights_key: self.task.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {"iteration": self.step},
            "scaler": self.scaler.state_dict(),
            "ema": self.ema.module.state_dict() if self.ema is not None else None,
            "ema_updates": self.ema.updates if self.ema is not None else 0,
            "sampler": {"position": self.step * self.task.samples_per_step, "seed": self.config["seed"]},
            "rng": torch.get_rng_state(),
            "scores": self.scores.state(),
            "task_state": self.task.state(),
            "metrics": self.metrics,
            "means": self._means.state(),
            "unreadable": self._unreadable.count,
            "nonfinite": self._guard.state(),
            "evaluation_due": self._evaluation_due,
            "preprocess": self.task.preprocess.state(),
            "provenance": self.provenance,
        }

    def run(self) -> None:
        """Train to the end, or until a signal asks to stop; then `last.pth` holds the final state.

        Raises:
            UserError: the loss stays not finite, or the data cannot be read.
        """
        records = MetricsLog(self.folder, self.step) if self.processes.is_main else Records()
        self.task.model.train()
        try:
            with StopRequest() as stop:
                self._run(records, stop)
        finally:
            records.close()

    def _run(self, records: Records, stop: StopRequest) -> None:
        settings = self.settings
        if self._evaluation_due:
            self._evaluate(records)
        if self.step >= settings.end_iter:
            log.info("nothing to train: iteration %d of %d is reached", self.step, settings.end_iter)
            return
        if self.task.judges_start and self.step == settings.st_iter and self.scores.start is None:
            self._evaluate(records, at_start=True)
        with Progress(self.step, settings.end_iter, shown=self.processes.is_main) as progress:
            warn_about_rate(settings)
            stopping = False
            while self.step < settings.end_iter and not stopping and not self._has_ended_early():
                end = min(settings.end_iter, self.task.stage_end(self.step) or settings.end_iter)
                self._begin_stage(records, stop)
                # All processes decide together, because a signal does not reach them at the same moment.
                stopping = self.processes.any(stop.wanted) or self._run_until(end, records, stop, progress)
            if stopping and self.step < settings.end_iter:
                log.info("stopped at iteration %d; --resume continues", self.step)

    def _begin_stage(self, records: Records, stop: StopRequest) -> None:
        """Let the task make the data of a stage. This may take long, so the weights are saved before it."""
        if self.task.stage_end(self.step) is None:
            return
        self._save()
        level = self.scores.at(self.step)
        values = self.task.begin_stage(self.step, self.evaluated_model, level, lambda: stop.wanted)
        if values is not None:
            records.write(self.step, "stage", values)
            self._save()  # A run that is killed later does not repeat the stage's preparation.

    def _run_until(self, end: int, records: Records, stop: StopRequest, progress: Progress) -> bool:
        """Train up to iteration `end` or until a stop is requested; return whether it is requested."""
        settings, processes = self.settings, self.processes
        sampler = StreamBatchSampler(
            self.task.samples_per_step, self.step, end, processes.rank, processes.world, settings.accumulate
        )
        with closing(batches(self.task, settings, sampler, self.device)) as stream:
            meter = Meter()
            for micro, waited in stream:
                self._check_memory(micro[0])
                meter.waiting += waited
                meter.samples += self.task.samples_per_step
                self._train_step(micro, sampler)
                progress.advance()
                # All processes read it once here: a later signal takes effect after the next iteration.
                stopping = self._agree(stop.wanted, [name for batch in micro for name in batch["unreadable"]])
                last = self.step == settings.end_iter
                if self.step % settings.log_interval == 0 or last:
                    self._guard.look()
                    means = self._means.read()
                    self.task.judge(means)
                    values = {**means, **self._gauges(), **meter.read()}
                    records.write(self.step, "train", values)
                    progress.report(self.step, values)
                pause = time.perf_counter()
                self._periodic(micro[0], records, end=last, stopping=stopping)
                meter.excluded += time.perf_counter() - pause
                if stopping or self._has_ended_early():
                    return stopping
        return False

    def _check_memory(self, batch: Batch) -> None:
        """Check before the first iteration whether a batch fits into the memory of a GPU."""
        if self._fits:
            return
        settings, world = self.settings, self.processes.world
        parts = world * settings.accumulate
        total = settings.global_batch_size
        check_batch_fits(
            self.task,
            batch,
            device=self.device,
            amp=self.amp,
            agree=self.processes.any,
            batch_size=settings.batch_size if total is None else total // parts,
            accumulate=settings.accumulate,
            global_batch_size=total,
            world=world,
            optimizer=self.optimizer,
        )
        self._fits = True

    def _agree(self, stop: bool, unreadable: list[str]) -> bool:
        """Share stop requests and unreadable samples with the other processes; return whether to stop."""
        stops, count = self.processes.sum([int(stop), len(unreadable)])
        if count:
            self._note_unreadable([name for names in self.processes.gather(unreadable) for name in names])
        return bool(stops)

    def _train_step(self, micro: list[Batch], sampler: StreamBatchSampler) -> None:
        """Run an iteration; only fp16's loss scaling and Adadelta wait for the device."""
        rate = learning_rate(self.step, self.settings, self.scores.plateaus)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self._guard.begin()
        seed_step(self.config["seed"], self.step, self.processes.rank)
        with kernels_by_trial(self.task.side is not None):
            losses = accumulate_gradient(self.task, self.replicas, sampler, micro, self.scaler, self.amp)
        norm = descend(self.task.model, self.optimizer, self.scaler, self.settings.grad_clip)
        counts = self._guard.settle(norm)
        if self.ema is not None:
            self.ema.update(self.task.model, counts)
        positions = [position for part in sampler.positions(self.step) for position in part]
        self.step += 1
        self._means.add({**losses, "grad_norm": norm})
        self._guard.note(self.step, micro, positions, losses["loss"], norm)

    def _has_ended_early(self) -> bool:
        """Return whether the last `patience` evaluations brought no better score."""
        patience = self.settings.patience
        if patience is None or self.scores.since_best < patience or self.step >= self.settings.end_iter:
            return False
        if not self._ended_early:
            self._ended_early = True
            log.info("iteration %d  %d evaluations without a better one: training ends early", self.step, patience)
        return True

    def _gauges(self) -> dict[str, float]:
        return {
            "lr": self.optimizer.param_groups[0]["lr"],
            "peak_memory_gb": peak_memory_bytes(self.device) / 1e9,
            "unreadable": self._unreadable.count,
            "skipped": self._guard.skipped,
        }

    def _save(self, *also: Path) -> None:
        """Write `last.pth`, and the same checkpoint to the paths `also`."""
        self._guard.look()
        if self.processes.is_main:
            self.store.save(self.state(), *also)

    def _periodic(self, batch: Batch, records: Records, *, end: bool, stopping: bool) -> None:
        """Save, evaluate and draw if it is due. Saving comes first, so that a failed evaluation loses nothing."""
        settings = self.settings
        self._evaluation_due = end or self.step % settings.eval_interval == 0
        keep = settings.keep_interval is not None and self.step % settings.keep_interval == 0
        kept = [self.folder.step(self.step)] if keep else []
        due = self.step % (settings.save_interval or settings.eval_interval) == 0
        if end or stopping or keep or due or self._evaluation_due:
            self._save(*kept)
        if self._evaluation_due and not stopping:
            self._evaluate(records, *kept)
        if not stopping and self.processes.is_main and (end or self.step % settings.image_interval == 0):
            for name, picture in self.task.pictures(self.evaluated_model, batch).items():
                records.picture(self.step, name, picture)

    def _evaluate(self, records: Records, *also: Path, at_start: bool = False) -> None:
        """Evaluate and save the result; if it is the best so far, also as `best.pth`."""
        self._evaluation_due = False
        evaluation = self.task.evaluate(self.evaluated_model)
        if evaluation is None:
            return
        records.write(self.step, "validation", evaluation.values)
        self.metrics = evaluation.values
        settings = self.settings
        improved, remark = self.scores.judge(
            self.step,
            evaluation,
            at_start=at_start,
            regular=self.step % settings.eval_interval == 0,
            plateau_patience=settings.plateau_patience,
        )
        log.info("iteration %d  %s%s", self.step, evaluation.summary, remark)
        self._save(*also, *([self.folder.best] if improved else []))

    def _note_unreadable(self, names: list[str]) -> None:
        """Count replaced samples; if there are too many, save and end the run with an error."""
        seen = (self.step - self.settings.st_iter) * self.task.samples_per_step
        too_many = self._unreadable.note(names, seen)
        if too_many is not None:
            self._save()
            raise UserError(too_many)
