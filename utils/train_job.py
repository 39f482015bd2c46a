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
from utils.check.jobs import look_at_data
from utils.device import is_out_of_memory, resolve_amp, resolve_device
from utils.distributed import lives
from utils.distributed.batching import samples_of_iteration
from utils.distributed.processes import ALONE, Processes
from utils.distributed.sync_batch_norm import synchronise_batch_norms
from utils.engine import worker_faults
from utils.engine.memory_probe import out_of_memory
from utils.engine.scores import Scores
from utils.engine.task import Task
from utils.engine.trainer import Trainer
from utils.files import write_text
from utils.run import checkpoint
from utils.run.folder import RunFolder
from utils.run.paths import run_folder
from utils.run.resume import check_same_run, evaluation_changed
from utils.tasks.names import look_up_names
from utils.tasks.registry import task_class

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
        device: of this process; None takes the configuration's.

    Raises:
        UserError: something the user gave is missing or does not fit.
    """
    look_up_names(config)
    device = device or resolve_device(config.device)
    if device.type == "cpu" and config.train.cpu_threads is not None:
        torch.set_num_threads(config.train.cpu_threads)
    amp = resolve_amp(config.amp, device)
    folder = run_folder(config)
    plain = config.model_dump(mode="json")
    samples = samples_of_iteration(config.train, processes.world)
    source, content = folder.last, None
    if processes.is_main:  # The folder need not be within the others' reach.
        folder.check(resume=resume, fresh=fresh)
        if resume:
            source, content = checkpoint.load_newest(folder.resumable(), config.task)
    source, content = processes.broadcast((source, content))
    if content is not None:
        before = _in_present_form(content["config"], type(config))
        check_same_run(before, plain, source)
        if evaluation_changed(before, plain):
            log.warning("the evaluation differs from that of the run so far, so its best score is forgotten")
            content["scores"] = Scores().state()
            # So is the score of the teacher, which the next one would be held to.
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
    if processes.is_main:
        if content is None:
            _look_at_data(config, task)
        folder.make(fresh=fresh)
    lives.note(folder, processes)
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
    """Log the quick part of `check.py`; what is wrong with the data is said before it costs hours."""
    lines = look_at_data(config, task.readers)
    for line in lines:
        if line.startswith("warning: "):
            log.warning("%s", line.removeprefix("warning: "))
        else:
            log.info("%s", line)


def _in_present_form(stored: dict[str, Any], schema: type[RunConfig]) -> dict[str, Any]:
    """Give settings that are younger than a checkpoint their defaults; one that is gone stays, to be named."""
    try:
        return schema.model_validate_json(json.dumps(stored)).model_dump(mode="json")
    except ValidationError:
        return stored
