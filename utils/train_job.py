"""From a configuration to a finished run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from config.errors import UserError
from config.loader import dump
from config.schema.run import RunConfig
from data.cores import available_cores
from utils.check.jobs import look_at_data
from utils.device import is_out_of_memory, resolve_amp, resolve_device
from utils.distributed import restarts
from utils.distributed.batching import samples_of_iteration
from utils.distributed.processes import ALONE, Processes
from utils.distributed.sync_batch_norm import synchronise_batch_norms
from utils.engine import worker_faults
from utils.engine.memory_messages import out_of_memory
from utils.engine.scores import Scores
from utils.engine.task import Task
from utils.engine.trainer import Trainer
from utils.files import write_text
from utils.run import checkpoint
from utils.run.folder import RunFolder, run_folder
from utils.run.resume import check_same_run, evaluation_changed
from utils.tasks.registry import look_up_names, task_class

log = logging.getLogger(__name__)


def train_job(
    config: RunConfig,
    *,
    resume: bool = False,
    fresh: bool = False,
    processes: Processes = ALONE,
    device: torch.device | None = None,
) -> RunFolder:
    """Train the model that a configuration describes and return the run's folder.

    Args:
        config: the job.
        resume: go on from `last.pth`.
        fresh: move an older run of the same name aside.
        processes: those of the run, which all call this.
        device: of this process; None uses that of the configuration.

    Raises:
        UserError: something the user gave is missing or does not fit.
    """
    look_up_names(config)
    device = device or resolve_device(config.device)
    if device.type == "cpu":
        _set_threads(config.train.cpu_threads)
    amp = resolve_amp(config.amp, device)
    folder = run_folder(config)
    plain = config.model_dump(mode="json")
    samples = samples_of_iteration(config.train, processes.world)
    source, content = folder.last, None
    if processes.is_main:  # The other processes may have no access to the folder.
        folder.check(resume=resume, fresh=fresh)
        if resume:
            source, content = checkpoint.load_newest(folder.resumable(), config.task)
    source, content = processes.broadcast((source, content))
    if content is not None:
        before = _in_present_form(content["config"], type(config))
        check_same_run(before, plain, source)
        if evaluation_changed(before, plain):
            log.warning("the evaluation differs from that of the run so far, so its best score is reset")
            content["scores"] = Scores().state()
            # The score of the teacher is reset, too: the next teacher could not be compared with it.
            content["task_state"].pop("gate", None)
    with processes.first_on_each_machine():
        task = task_class(config)(config, device, amp, initial_weights=content is None, processes=processes)
    if content is not None:
        _check_same_samples(content, task.samples_per_step, samples, processes.world, source)
    if content is not None and content["provenance"]["data_fingerprint"] != task.data_fingerprint:
        raise UserError(
            f"--resume: the training data is not what {source} was trained on; give the old data, or start a new "
            f"run from its weights with train.ckpt_path={source}"
        )
    if content is not None and device.type == "cpu":
        _warn_of_other_threads(content["provenance"].get("cpu_threads"))
    if processes.is_main:
        if content is None:
            _look_at_data(config, task)
        folder.make(fresh=fresh)
    restarts.note(folder, processes)
    if config.train.sync_batchnorm and processes.world > 1:
        task.model = synchronise_batch_norms(task.model)
    trainer = Trainer(
        task, config.train, config=plain, folder=folder, device=device, amp=amp, processes=processes
    )  # fmt: skip
    if content is not None:
        trainer.restore(content)
        trainer.store.resumed_from(source, trainer.step)
        if processes.is_main:
            folder.forget_after(trainer.step)
        log.info("resuming at iteration %d", trainer.step)
    if processes.is_main:
        write_text(folder.config, dump(config))
    parameters = sum(parameter.numel() for parameter in task.model.parameters())
    log.info("%s: %s parameters on %s, amp %s, run folder %s", config.name, f"{parameters:,}", device, amp, folder.root)
    if processes.world > 1 or config.train.accumulate > 1:
        log.info(
            "%d processes, %d micro-batches each: %d samples an iteration",
            processes.world, config.train.accumulate, task.samples_per_step,
        )  # fmt: skip
    try:
        trainer.run()
    except (RuntimeError, OSError) as fault:
        if is_out_of_memory(fault):
            raise UserError(out_of_memory(task, config)) from fault
        sentence = worker_faults.sentence(fault)
        if sentence is None:
            raise
        held = folder.resumable()
        kept = f"; {held[0]} is whole, continue with --resume" if held else "; nothing was saved yet"
        raise UserError(f"after iteration {trainer.step} {sentence}{kept}") from fault
    return folder


def _set_threads(wanted: int | None) -> None:
    """Let torch compute in as many threads; None leaves it to torch, which does not know of a container's limit."""
    allowed = available_cores()
    if wanted is not None or allowed < torch.get_num_threads():
        torch.set_num_threads(wanted or allowed)


def _warn_of_other_threads(before: int | None) -> None:
    """Say that a run goes on with other roundings than it would have had; None where its threads are not known."""
    now = torch.get_num_threads()
    if before not in (None, now):
        log.warning(
            "the run was computed in %s threads so far and is in %d now, which rounds sums in another order: the "
            "result will not be bit for bit that of a run that was never stopped (train.cpu_threads=%s keeps them)",
            before, now, before,
        )  # fmt: skip


def _check_same_samples(content: dict[str, Any], per_step: int, samples: int, world: int, source: Path) -> None:
    """Refuse to continue a run with another number of samples an iteration: it would read other data."""
    step = content["step"]
    if not step or content["sampler"]["position"] == step * per_step:
        return
    before = content["sampler"]["position"] // step
    raise UserError(
        f"--resume: an iteration of {source} has {before} samples, and one of {world} processes has {per_step} "
        f"now{'' if per_step == samples else f' ({samples} of them words)'}; give train.global_batch_size (or "
        "train.batch_size and train.accumulate) so that they are as many as before"
    )


def _look_at_data(config: RunConfig, task: Task) -> None:
    """Log the quick part of `check.py`, so that faults of the data are known before training takes hours."""
    lines = look_at_data(config, task.readers)
    for line in lines:
        if line.startswith("warning: "):
            log.warning("%s", line.removeprefix("warning: "))
        else:
            log.info("%s", line)


def _in_present_form(stored: dict[str, Any], schema: type[RunConfig]) -> dict[str, Any]:
    """Return a stored configuration with defaults for settings added since; unknown settings stay and are reported."""
    try:
        return schema.model_validate_json(json.dumps(stored)).model_dump(mode="json")
    except ValidationError:
        return stored
