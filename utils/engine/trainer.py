"""The training loop, written once for every job."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from config.schema.training import Training
from data.order import StreamBatchSampler
from utils import checkpoint
from utils.device import Amp, autocast, peak_memory_bytes
from utils.engine.ema import averaged_model
from utils.engine.metrics_log import MetricsLog
from utils.engine.progress import Meter, Progress
from utils.engine.run_folder import RunFolder
from utils.engine.schedule import learning_rate
from utils.engine.stop import StopRequest, ignore_interrupts
from utils.engine.task import Evaluation, Task
from utils.provenance import provenance

log = logging.getLogger(__name__)


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite."""


class Trainer:
    """Trains the model of a task from where it stands to `end_iter`.

    An iteration's batch, augmentation and learning rate depend on its number alone, so a run that is stopped and
    resumed equals one that is not.

    Args:
        task: the job.
        settings: the `train` section.
        config: the resolved configuration as plain values, kept in every checkpoint.
        folder: where the run is written.
        device: where the model is.
        amp: precision in use there.
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
    ) -> None:
        self.task = task
        self.settings = settings
        self.config = config
        self.folder = folder
        self.device = device
        self.amp: Amp = amp
        self.step = settings.st_iter
        self.best_score = float("-inf")
        self.metrics: dict[str, float] = {}
        kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = kind(task.model.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        self.scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
        self.ema = averaged_model(task.model, settings.ema_decay) if settings.ema_decay else None
        self.provenance = provenance(task.data_fingerprint)
        self._sums: dict[str, Tensor] = {}
        self._summed = 0
        self._unreadable = 0

    @property
    def evaluated_model(self) -> nn.Module:
        """The weights that evaluations and pictures use: the average where one is kept."""
        return self.ema.module if self.ema is not None else self.task.model

    def restore(self, content: dict[str, Any]) -> None:
        """Take up the run of a checkpoint read by `utils.checkpoint.load`."""
        self.task.model.load_state_dict(content[self.task.weights_key])
        self.optimizer.load_state_dict(content["optimizer"])
        self.scaler.load_state_dict(content["scaler"])
        if self.ema is not None:
            self.ema.module.load_state_dict(content["ema"])
            self.ema.n_averaged.fill_(content["ema_updates"])
        torch.set_rng_state(content["rng"])
        self.step = content["step"]
        self.best_score = content["best_score"]
        self.metrics = content["metrics"]

    def state(self) -> dict[str, Any]:
        """Return the checkpoint of this moment: plain values and tensors."""
        return {
            "task": self.config["task"],
            "config": self.config,
            "step": self.step,
            self.task.weights_key: self.task.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": {"iteration": self.step},
            "scaler": self.scaler.state_dict(),
            "ema": self.ema.module.state_dict() if self.ema is not None else None,
            "ema_updates": int(self.ema.n_averaged) if self.ema is not None else 0,
            "sampler": {"position": self.step * self.settings.batch_size, "seed": self.config["seed"]},
            "rng": torch.get_rng_state(),
            "best_score": self.best_score,
            "metrics": self.metrics,
            "preprocess": self.task.preprocess.state(),
            "provenance": self.provenance,
        }

    def run(self) -> None:
        """Train to the end, or until a signal asks to stop; either way `last.pth` holds the state reached.

        Raises:
            NonFiniteLoss: the loss is no longer a number; the last checkpoint holds finite weights.
            UserError: the data cannot be read.
        """
        settings = self.settings
        if self.step >= settings.end_iter:
            log.info("nothing to train: iteration %d of %d is reached", self.step, settings.end_iter)
            return
        records = MetricsLog(self.folder, self.step)
        self.task.model.train()
        try:
            with StopRequest() as stop, Progress(self.step, settings.end_iter) as progress:
                meter = Meter()
                for batch, waited in self._batches():
                    meter.waiting += waited
                    meter.samples += settings.batch_size
                    self._train_step(batch)
                    progress.advance()
                    last = self.step == settings.end_iter or stop.wanted
                    if last or self.step % settings.log_interval == 0:
                        values = self._read_sums() | meter.read()
                        records.write(self.step, "train", values)
                        progress.report(self.step, values)
                    pause = time.perf_counter()
                    self._periodic(batch, records, last=last, stopped=stop.wanted)
                    meter.excluded += time.perf_counter() - pause
                    if stop.wanted:
                        log.info("stopped at iteration %d; --resume continues", self.step)
                        return
        finally:
            records.close()

    def _train_step(self, batch: dict[str, Any]) -> None:
        """Run one optimiser step; nothing in it waits for the device."""
        rate = learning_rate(self.step, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with autocast(self.device, self.amp):
            losses = self.task.loss(self.task.model, batch)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(losses["loss"]).backward()
        self.scaler.unscale_(self.optimizer)
        limit = self.settings.grad_clip or float("inf")
        norm = nn.utils.clip_grad_norm_(self.task.model.parameters(), limit)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.ema is not None:
            self.ema.update_parameters(self.task.model)
        self.step += 1
        for name, value in {**losses, "grad_norm": norm}.items():
            self._sums[name] = self._sums.get(name, 0) + value.detach().float()
        self._summed += 1
        self._note_unreadable(batch["unreadable"])

    def _read_sums(self) -> dict[str, float]:
        """Return the means since the last call; the one place where the host waits for the device."""
        values = {name: total.item() / self._summed for name, total in self._sums.items()}
        self._sums, self._summed = {}, 0
        if not torch.isfinite(torch.tensor(values["loss"])):
            raise NonFiniteLoss(
                f"the loss is {values['loss']} at iteration {self.step}; {self.folder.last} holds the last good "
                "state: lower train.lr, set train.grad_clip, or use amp=off"
            )
        return {
            **values,
            "lr": learning_rate(self.step - 1, self.settings),
            "peak_memory_gb": peak_memory_bytes(self.device) / 1e9,
            "unreadable": self._unreadable,
        }

    def _periodic(self, batch: dict[str, Any], records: MetricsLog, *, last: bool, stopped: bool) -> None:
        settings = self.settings
        if self.step % settings.image_interval == 0 or (last and not stopped):
            for name, picture in self.task.pictures(self.evaluated_model, batch).items():
                records.picture(self.step, name, picture)
        evaluate = not stopped and (last or self.step % settings.eval_interval == 0)
        evaluation = self.task.evaluate(self.evaluated_model) if evaluate else None
        improved = evaluation is not None and self._record(evaluation, records)
        keep = settings.keep_interval is not None and self.step % settings.keep_interval == 0
        if last or improved or keep or self.step % (settings.save_interval or settings.eval_interval) == 0:
            if self._summed:
                self._check_finite()
            checkpoint.save(self.folder.last, self.state())
            if improved:
                checkpoint.link(self.folder.last, self.folder.best)
            if keep:
                checkpoint.link(self.folder.last, self.folder.step(self.step))

    def _check_finite(self) -> None:
        """Refuse to save weights that a loss between two log lines may have spoilt."""
        if not torch.isfinite(self._sums["loss"]):
            self._read_sums()

    def _record(self, evaluation: Evaluation, records: MetricsLog) -> bool:
        """Log an evaluation; tell whether it is the best so far."""
        records.write(self.step, "validation", evaluation.values)
        self.metrics = evaluation.values
        improved = evaluation.score > self.best_score
        self.best_score = max(self.best_score, evaluation.score)
        log.info("iteration %d  %s%s", self.step, evaluation.summary, "  (best)" if improved else "")
        return improved

    def _note_unreadable(self, names: list[str]) -> None:
        for name in names:
            self._unreadable += 1
            if self._unreadable <= 3:
                log.warning("left out and replaced: %s", name)
            elif self._unreadable == 4:
                log.warning("more samples cannot be read; their number is logged as `unreadable`")

    def _batches(self) -> Iterator[tuple[dict[str, Any], float]]:
        """Yield each batch and the seconds it was waited for."""
        loader = DataLoader(
            self.task.dataset,
            batch_sampler=StreamBatchSampler(self.settings.batch_size, self.step, self.settings.end_iter),
            collate_fn=self.task.collate,
            num_workers=self.settings.num_workers,
            worker_init_fn=_start_worker,
            pin_memory=self.device.type == "cuda",
        )
        batches = iter(loader)
        while True:
            begun = time.perf_counter()
            batch = next(batches, None)
            if batch is None:
                return
            waited = time.perf_counter() - begun
            yield {name: self._to_device(value) for name, value in batch.items()}, waited

    def _to_device(self, value: Any) -> Any:
        move = partial(value.to, device=self.device, non_blocking=True) if isinstance(value, Tensor) else None
        return move() if move else value


def _start_worker(_number: int) -> None:
    """Prepare a loader process: one thread each, for the processes are the parallelism."""
    ignore_interrupts()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
