"""Checkpoints: one file that `torch.load(weights_only=True)` reads, and a page of JSON for people beside it."""

from __future__ import annotations

import json
import logging
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch

from config.errors import UserError
from config.schema.detection import DetectionConfig
from data.io.durable import sync
from data.preprocess import Preprocess
from model.detector import Detector
from model.registry import build_detector
from utils.files import write_atomically, write_text
from utils.weights.files import DAMAGED, DamagedFile, load_into, read_file, state_dict_of

log = logging.getLogger(__name__)

FORMAT = 1
"""Version of the layout; a reader refuses a newer one."""

RUN_KEYS = {"format", "task", "config", "step", "optimizer", "scaler", "ema", "rng", "scores", "means"}
"""What a checkpoint must hold, beside the weights, for a run to go on from it."""


def save(path: Path, content: dict[str, Any], *, before: Callable[[], None] | None = None) -> None:
    """Write a checkpoint so that `path` always holds a whole one.

    Args:
        path: the file; `<stem>.json` beside it takes what a person may want to read.
        content: plain values and tensors; `format` is added.
        before: called once the new file is on the disk, before it takes the place of the old one.

    Raises:
        UserError: it cannot be written; what was there before stays.
    """
    content = {**content, "format": FORMAT}

    def write(temporary: Path) -> None:
        write_tensors(content, temporary)
        sync(temporary)
        if before is not None:
            before()

    write_atomically(path, write)
    readable = {key: content.get(key) for key in ("format", "task", "step", "metrics", "provenance", "config")}
    write_text(path.with_suffix(".json"), json.dumps(readable, indent=2) + "\n")


class _Recorder:
    """A file that remembers why it could not be written: torch's writer tells only where in its own code it failed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as fault:
            self.fault = fault
            raise

    def flush(self) -> None:
        self._file.flush()


def write_tensors(content: dict[str, Any], path: Path) -> None:
    """Write what `torch.load` reads; a full disk is an `OSError`, as with every other file."""
    with open(path, "wb") as file:
        recorder = _Recorder(file)
        try:
            torch.save(content, recorder)
        except RuntimeError as fault:
            if recorder.fault is not None:
                raise recorder.fault from fault
            raise


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


_FOLDER = 0x10
"""The bit of a zip entry's attributes that tells a folder."""


def check_whole(file: IO[bytes], path: Path) -> None:
    """Compare every byte that torch.save wrote with the checksum it wrote beside it.

    torch.load does not: a byte that has changed within a tensor becomes a wrong weight without a word.

    Args:
        file: the open file.
        path: its name, for messages.

    Raises:
        DamagedFile: naming the first record that is not what was written.
    """
    try:
        with zipfile.ZipFile(file) as records:
            broken = records.testzip()
            # torch's reader takes an entry with this bit for a folder, and leaves its tensor empty.
            folders = [entry.filename for entry in records.infolist() if entry.external_attr & _FOLDER]
    except (zipfile.BadZipFile, zlib.error, struct.error, *DAMAGED) as fault:
        raise DamagedFile(f"{path} cannot be loaded: it is torn or not a file that torch.save wrote") from fault
    for name in (broken, *folders):
        if name is not None:
            raise DamagedFile(f"{path} cannot be loaded: {name} in it has changed since it was written")


def load(path: Path, task: str) -> dict[str, Any]:
    """Read a checkpoint that `save` wrote, to resume from.

    Raises:
        UserError: it is none, is of another task, or of a newer version of this program.
        DamagedFile: it is torn, or a byte of it has changed.
    """
    content = read_file(path, verify=check_whole)
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


def load_newest(paths: Sequence[Path], task: str) -> tuple[Path, dict[str, Any]]:
    """Read the first whole one of several checkpoints; a damaged one is named in a warning and passed over.

    Args:
        paths: existing files, the newest first.
        task: as for `load`.

    Returns:
        The path of the one that was read, and its content.

    Raises:
        UserError: none is whole, or what is whole cannot be resumed.
    """
    for number, path in enumerate(paths):
        try:
            return path, load(path, task)
        except DamagedFile as fault:
            if number + 1 == len(paths):
                raise UserError(
                    f"--resume: {fault}, and no whole checkpoint is kept before it; copy best.pth or a step_N.pth of "
                    "this run over last.pth to go on from there, or start anew with --fresh"
                ) from fault
            log.warning("%s; going on from the one before it, %s", fault, paths[number + 1].name)
    raise UserError("--resume: there is no checkpoint to go on from")


class LoadedDetector(NamedTuple):
    """A detector ready to evaluate, and the preprocessing it was trained with."""

    model: Detector
    preprocess: Preprocess


def load_detector(
    path: str | Path, config: DetectionConfig, device: torch.device, *, content: Any = None
) -> LoadedDetector:
    """Return the detector of a file of weights; the averaged weights where the file has them.

    The preprocessing is the checkpoint's own; for a file that has none it is that of `config.train.data`.

    Args:
        path: the file.
        config: the network, and the preprocessing of a file that has none.
        device: where the detector goes.
        content: what `read_file` gave, where the file has been read already.

    Raises:
        UserError: the file is missing, is no file of weights, or does not fit `config.model`.
    """
    content = read_file(path) if content is None else content
    preprocess = Preprocess(tuple(config.train.data.mean), tuple(config.train.data.std))
    if isinstance(content, dict) and "preprocess" in content:
        stored = Preprocess.from_state(content["preprocess"])
        if stored != preprocess:
            log.warning("%s was trained with %s, which is used instead of the YAML's %s", path, stored, preprocess)
        preprocess = stored
    model = build_detector(config.model)
    load_into(model, state_dict_of(content, path), path)
    return LoadedDetector(model.to(device, memory_format=torch.channels_last).eval(), preprocess)
