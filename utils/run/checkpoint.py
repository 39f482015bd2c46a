"""Checkpoints: one file that `torch.load(weights_only=True)` reads, and a readable JSON file next to it."""

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
"""Keys that a checkpoint must have, besides the weights, to resume a run from it."""


def save(path: Path, content: dict[str, Any], *, before: Callable[[], None] | None = None) -> None:
    """Write a checkpoint atomically, so that `path` always holds a complete one.

    Args:
        path: the file; the metadata is also written to `<stem>.json` next to it.
        content: plain values and tensors; `format` is added.
        before: called when the new file is on the disk, before it replaces the old one.

    Raises:
        UserError: it cannot be written; the old file stays.
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
    """A file that keeps the error of a failed write, because torch's writer does not report its cause."""

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
    """Write a file for `torch.load`; a full disk raises an `OSError`, as with other files."""
    with open(path, "wb") as file:
        recorder = _Recorder(file)
        try:
            torch.save(content, recorder)
        except RuntimeError as fault:
            if recorder.fault is not None:
                raise recorder.fault from fault
            raise


def link(source: Path, target: Path) -> None:
    """Give the checkpoint `source` the second name `target`, without a copy if the file system has hard links."""
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
"""The bit of a zip entry's attributes that marks a folder."""


def check_whole(file: IO[bytes], path: Path) -> None:
    """Compare every record of a checkpoint with the checksum that torch.save wrote.

    torch.load does not verify it: a changed byte in a tensor silently becomes a wrong weight.

    Args:
        file: the open file.
        path: its name, for messages.

    Raises:
        DamagedFile: a record has changed; the message names the first one.
    """
    try:
        with zipfile.ZipFile(file) as records:
            broken = records.testzip()
            # torch's reader treats an entry with this bit as a folder, and leaves its tensor empty.
            folders = [entry.filename for entry in records.infolist() if entry.external_attr & _FOLDER]
    except (zipfile.BadZipFile, zlib.error, struct.error, *DAMAGED) as fault:
        raise DamagedFile(f"{path} cannot be loaded: it is incomplete or not a file of torch.save") from fault
    for name in (broken, *folders):
        if name is not None:
            raise DamagedFile(f"{path} cannot be loaded: {name} in it has changed since it was written")


def load(path: Path, task: str) -> dict[str, Any]:
    """Read a checkpoint that `save` wrote, to resume from it.

    Raises:
        UserError: it is not a checkpoint of a run, or of another task, or of a newer version of this program.
        DamagedFile: it is incomplete, or a byte of it has changed.
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
    """Read the newest undamaged checkpoint; damaged ones are skipped with a warning.

    Args:
        paths: existing files, the newest first.
        task: as for `load`.

    Returns:
        The path of the checkpoint that was read, and its content.

    Raises:
        UserError: all are damaged, or the newest undamaged one cannot be resumed.
    """
    for index, path in enumerate(paths):
        try:
            return path, load(path, task)
        except DamagedFile as fault:
            if index + 1 == len(paths):
                raise UserError(
                    f"--resume: {fault}, and no older checkpoint is undamaged; copy best.pth or a step_N.pth of this "
                    "run over last.pth to continue from there, or start a new run with --fresh"
                ) from fault
            log.warning("%s; continuing from the older checkpoint %s", fault, paths[index + 1].name)
    raise UserError("--resume: there is no checkpoint to continue from")


class LoadedDetector(NamedTuple):
    """A detector in eval mode, and the preprocessing it was trained with."""

    model: Detector
    preprocess: Preprocess


def load_detector(
    path: str | Path, config: DetectionConfig, device: torch.device, *, content: Any = None
) -> LoadedDetector:
    """Return the detector of a file of weights, with the averaged weights if the file has them.

    The preprocessing is that of the checkpoint, or that of `config.train.data` for a file without one.

    Args:
        path: the file.
        config: the network, and the preprocessing of a file without one.
        device: device of the detector.
        content: what `read_file` returned, if the file has been read already.

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
