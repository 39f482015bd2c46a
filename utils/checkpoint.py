"""Checkpoints: one file that `torch.load(weights_only=True)` reads, and a page of JSON for people beside it."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch

from config.errors import UserError
from config.schema.detection import DetectionConfig
from data.preprocess import Preprocess
from model.craft import Craft
from model.registry import build_detector
from utils.files import write_atomically, write_text
from utils.weights import load_into, read_file, state_dict_of

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of the layout; a reader refuses a newer one."""

RUN_KEYS = {"format", "task", "config", "step", "optimizer", "scaler", "ema", "rng", "scores", "means"}
"""What a checkpoint must hold, beside the weights, for a run to go on from it."""


def save(path: Path, content: dict[str, Any]) -> None:
    """Write a checkpoint so that `path` always holds a whole one.

    Args:
        path: the file; `<stem>.json` beside it takes what a person may want to read.
        content: plain values and tensors; `format` is added.
    """
    content = {**content, "format": FORMAT}
    write_atomically(path, lambda temporary: _write(content, temporary))
    readable = {key: content.get(key) for key in ("format", "task", "step", "metrics", "provenance", "config")}
    write_text(path.with_suffix(".json"), json.dumps(readable, indent=2) + "\n")


def _write(content: dict[str, Any], path: Path) -> None:
    try:
        torch.save(content, path)
    except RuntimeError as fault:  # What torch's writer makes of a full disk.
        raise OSError(str(fault).splitlines()[0]) from fault


def link(source: Path, target: Path) -> None:
    """Let `target` name the same checkpoint as `source`, without a second copy where the file system can."""
    for suffix in (".pth", ".json"):
        write_atomically(
            target.with_suffix(suffix), lambda temporary, s=suffix: _link(source.with_suffix(s), temporary)
        )


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # Some network file systems have no hard links.
        shutil.copyfile(source, target)


def load(path: Path, task: str) -> dict[str, Any]:
    """Read a checkpoint that `save` wrote, to resume from.

    Raises:
        UserError: it is none, is of another task, or of a newer version of this program.
    """
    content = read_file(path)
    if not isinstance(content, dict) or not content.keys() >= RUN_KEYS or not isinstance(content["format"], int):
        raise UserError(
            f"{path} holds no run to resume; start a new run from its weights with train.ckpt_path={path} instead"
        )
    if content["format"] > FORMAT:
        raise UserError(
            f"{path} was written by a newer version (format {content['format']}, here {FORMAT}); update first"
        )
    if content["task"] != task:
        raise UserError(f"{path} is of the task '{content['task']}', this is '{task}'")
    return content


class LoadedDetector(NamedTuple):
    """A detector ready to evaluate, and the preprocessing it was trained with."""

    model: Craft
    preprocess: Preprocess


def load_detector(path: str | Path, config: DetectionConfig, device: torch.device) -> LoadedDetector:
    """Return the detector of a file of weights; the averaged weights where the file has them.

    The preprocessing is the checkpoint's own; for a file that has none it is that of `config.train.data`.

    Raises:
        UserError: the file is missing, is no file of weights, or does not fit `config.model`.
    """
    content = read_file(path)
    preprocess = Preprocess(tuple(config.train.data.mean), tuple(config.train.data.std))
    if isinstance(content, dict) and "preprocess" in content:
        stored = Preprocess.from_state(content["preprocess"])
        if stored != preprocess:
            log.warning("%s was trained with %s, which is used instead of the YAML's %s", path, stored, preprocess)
        preprocess = stored
    model = build_detector(config.model)
    load_into(model, state_dict_of(content, path), path)
    return LoadedDetector(model.to(device, memory_format=torch.channels_last).eval(), preprocess)
