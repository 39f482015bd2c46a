"""Pictures of pseudo-labels: those of a run, or those that a run would start with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from config.errors import UserError
from config.schema.detection import DetectionConfig
from data.preprocess import Preprocess
from data.pseudo_label.reader import COLUMNS, PseudoLabels
from data.pseudo_label.records import LabelSettings
from data.reader import Reader
from data.readers import open_datasets
from data.readers.concat import ChosenReader
from model.detector import Detector
from model.registry import build_detector
from utils.device import Amp, memory_format, resolve_amp, resolve_device
from utils.draw.picture_file import picture_path, save_picture
from utils.draw.pseudo_labels import draw_label_sheet
from utils.run.folder import RunFolder, run_folder
from utils.tasks.teacher import DetectorTeacher, label_dataset, weights_hash
from utils.weights.files import load_into, read_file, state_dict_of

IMAGES = 24
"""Number of images that are labelled if the run has no labels yet."""


def draw_pseudo_labels(config: DetectionConfig, path: Path) -> str:
    """Draw words with the characters that a teacher found in them.

    The labels are the newest ones of the run. If it has none, a few images are labelled here with its initial weights.
    The region scores of a run's labels are drawn only if `train.ckpt_path` or a checkpoint of the run holds the weights
    of their teacher.

    Args:
        config: the whole job.
        path: path of the picture, .png or .jpg.

    Returns:
        A sentence with the statistics of the labels.

    Raises:
        UserError: there is no weak supervision in the job, there are no weights, or no word was labelled.
    """
    picture_path("--pseudo-labels", path)
    if config.train.weak is None:
        raise UserError("--pseudo-labels: the configuration has no train.weak section, so nothing is labelled")
    device = resolve_device(config.device)
    amp = resolve_amp(config.amp, device)
    reader, folder = open_datasets(config.train.weak.datasets), run_folder(config)
    labels = _newest(folder, reader)
    if labels is not None:
        teacher = _teacher_of(labels, config, device)
        source = f"labels of the run {folder.root}"
        note = "" if teacher else "; without region scores, because the weights of the teacher are no longer there"
        title = f"{config.name}: {source}"
        save_picture(path, draw_label_sheet(reader, labels, labels.settings, teacher, title=title))
        return f"{path}: {source}: {labels.statistics().summary()}{note}"
    if config.train.ckpt_path is None:
        raise UserError(
            f"--pseudo-labels: train.ckpt_path is null and {folder.root} holds no labels of this data, so there is "
            "nothing to label with; give train.ckpt_path=FILE"
        )
    model = _network(config, Path(config.train.ckpt_path), device)
    count = min(IMAGES, len(reader))
    few, settings = ChosenReader(reader, np.arange(count) * len(reader) // max(1, count)), _settings(config, amp)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        cache = label_dataset(model, few, settings, Path(place), device)
        assert cache is not None, "nobody asked it to stop"
        labels = cache.finish()
        source = f"labelled with {config.train.ckpt_path}"
        teacher, title = DetectorTeacher(model, device, amp), f"{config.name}: {source}"
        save_picture(path, draw_label_sheet(few, labels, settings, teacher, title=title))
        return f"{path}: {source}: {labels.statistics().summary()}"


def _settings(config: DetectionConfig, amp: Amp) -> LabelSettings:
    assert config.train.weak is not None
    data = config.train.data
    return LabelSettings.of(config.train.weak, Preprocess(tuple(data.mean), tuple(data.std)), amp)


def _newest(folder: RunFolder, reader: Reader) -> PseudoLabels | None:
    """Return the newest complete labels of this dataset in a run folder."""
    found = [path / COLUMNS for path in folder.pseudo_labels.glob(f"{reader.fingerprint()}-*-*")]
    found = [path for path in found if path.is_dir()]
    return PseudoLabels(max(found, key=lambda path: path.stat().st_mtime_ns).parent) if found else None


def _teacher_of(labels: PseudoLabels, config: DetectionConfig, device: torch.device) -> DetectorTeacher | None:
    """Return the teacher that made the labels, or None if its weights are no longer there."""
    for path in _weights(config):
        try:
            model = _network(config, path, device)
        except UserError:  # A file that does not fit this model did not make the labels either.
            continue
        if weights_hash(model) == labels.teacher:
            return DetectorTeacher(model, device, labels.settings.amp)
    return None


def _weights(config: DetectionConfig) -> Iterator[Path]:
    folder = run_folder(config)
    named = [Path(config.train.ckpt_path)] if config.train.ckpt_path is not None else []
    for path in (folder.last, folder.best, *named, *sorted(folder.checkpoints.glob("step_*.pth"))):
        if path.is_file():
            yield path


def _network(config: DetectionConfig, path: Path, device: torch.device) -> Detector:
    """Return the detector with the weights of a file."""
    model = build_detector(config.model)
    load_into(model, state_dict_of(read_file(path), path), path)
    return model.to(device, memory_format=memory_format(device))
