"""From a configuration to a finished run."""

from __future__ import annotations

import logging

from config.loader import dump
from config.schema.detection import DetectionConfig
from utils import checkpoint
from utils.detection_task import DetectionTask
from utils.device import resolve_amp, resolve_device
from utils.engine.resume import check_same_run
from utils.engine.run_folder import RunFolder
from utils.engine.trainer import Trainer
from utils.files import write_text
from utils.run_paths import run_folder

log = logging.getLogger(__name__)


def train_detector(config: DetectionConfig, *, resume: bool = False, fresh: bool = False) -> RunFolder:
    """Train the detector and return the run's folder.

    Args:
        config: the job.
        resume: go on from `last.pth`.
        fresh: move an older run of the same name aside.

    Raises:
        UserError: something the user gave is missing or does not fit.
    """
    device = resolve_device(config.device)
    amp = resolve_amp(config.amp, device)
    folder = run_folder(config)
    plain = config.model_dump(mode="json")
    folder.check(resume=resume, fresh=fresh)
    content = None
    if resume:
        content = checkpoint.load(folder.last, config.task)
        check_same_run(content["config"], plain, folder.last)
    task = DetectionTask(config, device, amp)
    folder.make(fresh=fresh)
    trainer = Trainer(task, config.train, config=plain, folder=folder, device=device, amp=amp)
    if content is not None:
        trainer.restore(content)
        folder.forget_after(trainer.step)
        log.info("resuming at iteration %d", trainer.step)
    write_text(folder.config, dump(config))
    parameters = sum(parameter.numel() for parameter in task.model.parameters())
    log.info("%s: %s parameters on %s, amp %s, run folder %s", config.name, f"{parameters:,}", device, amp, folder.root)
    trainer.run()
    return folder
