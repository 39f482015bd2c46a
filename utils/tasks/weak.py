"""Weak supervision as a training task: a teacher labels the words, the student learns from the labels.

The run has stages of `relabel_interval` iterations. Before each stage, the averaged weights become the teacher and
label all words (`data.pseudo_label`). If they score worse on the validation data than the previous teacher, the old
labels stay. Source: Baek et al., CVPR 2019, section 3.2.2; the averaging and the comparison are additions, so that a
student that became worse does not teach the next one.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from config.errors import UserError
from config.schema.detection import DetectionConfig
from config.schema.weak import WeakSupervision
from data.detection import DetectionTrainingSet
from data.order import MixedTrainingSet
from data.preprocess import Preprocess
from data.pseudo_label.cache import LabelCache, remove_old_caches
from data.pseudo_label.reader import COLUMNS, PseudoLabelReader, PseudoLabels
from data.pseudo_label.records import LabelSettings
from data.reader import Reader
from utils.device import Amp
from utils.distributed.processes import ALONE, Processes
from utils.draw.picture_file import save_picture
from utils.draw.pseudo_labels import draw_label_sheet
from utils.engine.task import Evaluation
from utils.run.folder import run_folder
from utils.tasks.detection import DetectionTask
from utils.tasks.teacher import DetectorTeacher, label_dataset, labelling_seconds, watershed_executor

log = logging.getLogger(__name__)

KEPT_CACHES = 2
SYNTHETIC_SEED = 0x5EED
"""Added to the seed for the synthetic part, so that the two parts of a batch get different augmentations."""


class WeakDetectionTask(DetectionTask):
    """Training of CRAFT on images with word boxes, mixed with images with character boxes.

    Args:
        config: the whole job; `train.weak` is given.
        device, amp, readers, initial_weights, processes: as for `DetectionTask`.

    Raises:
        UserError: data or weights are missing or do not fit.
    """

    no_rate_test = (
        "--find-lr needs true character boxes: the targets of weak supervision change with the teacher; test the job "
        "that trains on character boxes first"
    )

    def __init__(
        self,
        config: DetectionConfig,
        device: torch.device,
        amp: Amp,
        *,
        readers: Mapping[str, Reader] | None = None,
        initial_weights: bool = True,
        processes: Processes = ALONE,
    ) -> None:
        assert config.train.weak is not None
        weak: WeakSupervision = config.train.weak
        self._config, self._weak = config, weak
        self._labels_root = run_folder(config).pseudo_labels
        self._words: Reader | None = None
        self._labels: PseudoLabels | None = None
        self._watersheds: Executor | None = None
        self._stage, self._labels_level = -1, float("-inf")
        super().__init__(config, device, amp, readers=readers, initial_weights=initial_weights, processes=processes)
        if initial_weights and config.train.ckpt_path is None:
            log.warning(
                "train.ckpt_path is null: an untrained teacher finds no characters, so every word is split into equal "
                "parts; train on character boxes first (trainSynth.py) and give that checkpoint"
            )
        self.judges_start = True
        data = config.train.data
        self._settings = LabelSettings.of(weak, Preprocess(tuple(data.mean), tuple(data.std)), amp)
        self._pass = -(-len(self._words_reader) // self._batch)
        # Whole intervals between evaluations, for the gate needs one of each new teacher.
        evaluated = config.train.eval_interval
        self._interval = weak.relabel_interval or -(-self._pass // evaluated) * evaluated
        self._first = config.train.st_iter

    @property
    def _words_reader(self) -> Reader:
        assert self._words is not None, "_open_data comes first"
        return self._words

    def _open_data(self, config: DetectionConfig) -> tuple[Dataset, str, int]:
        weak, batch = self._weak, self._batch
        self._words = self._open_all("train.weak.datasets", weak.datasets)
        if not len(self._words):
            raise UserError("train.weak.datasets hold no image, check their `root`")
        log.info("training data with word boxes: %s", self._words.report.table())
        fingerprints, self._synthetic = [self._words.fingerprint()], None
        # At least one sample where synthetic data is wanted: for small batches batch // synth_ratio is 0.
        self._counts = [batch, max(1, batch // weak.synth_ratio)]
        if weak.use_synthtext:
            if not config.train.datasets:
                raise UserError(
                    "train.datasets is empty: name a dataset with character boxes to replay beside the words, or set "
                    "train.weak.use_synthtext=false"
                )
            reader = self._open_all("train.datasets", config.train.datasets)
            log.info("training data with character boxes: %s", reader.report.table())
            fingerprints.append(reader.fingerprint())
            self._synthetic = DetectionTrainingSet(reader, config.train.data, config.seed + SYNTHETIC_SEED)
        else:
            self._counts[1] = 0
            log.warning("train.weak.use_synthtext is false: the student may learn the mistakes of the teacher")
        digest = hashlib.sha256(" ".join(fingerprints).encode()).hexdigest()[:16]
        return self._mixed(self._words), digest, sum(self._counts)

    def _mixed(self, words: Reader) -> Dataset:
        settings = self._config.train.data.model_copy(update={"augment": self._weak.custom_aug})
        real = DetectionTrainingSet(words, settings, self._config.seed)
        return MixedTrainingSet([real, self._synthetic or real], self._counts)

    def stage_end(self, step: int) -> int | None:
        return self._first + (self._stage_at(step) + 1) * self._interval

    def _stage_at(self, step: int) -> int:
        return (step - self._first) // self._interval

    def begin_stage(
        self, step: int, model: nn.Module, level: float | None, stop: Callable[[], bool]
    ) -> dict[str, float] | None:
        stage = self._stage_at(step)
        if self._stage == stage:
            return None
        if self._labels is not None and self._labels_level > float("-inf"):
            level = self._level(model) if level is None else level
            if level is not None and level < self._labels_level:
                log.info(
                    "iteration %d  the labels stay: the new teacher scores %.3f, the previous teacher scored %.3f",
                    step, level, self._labels_level,
                )  # fmt: skip
                self._stage = stage
                return {"relabelled": 0.0}
        cache = self._label(model, stop)
        if self._processes.any(cache is None) or cache is None:
            return None
        if self._processes.is_main:
            cache.finish()
        self._processes.barrier()
        self._labels, self._stage = cache.finish(), stage
        if level is None and self._labels is not None:
            level = self._level(model)
        self._labels_level = level if level is not None else float("-inf")
        self.dataset = self._mixed(PseudoLabelReader(self._words_reader, self._labels))
        if self._processes.is_main:
            remove_old_caches(
                self._labels_root, KEPT_CACHES, dataset=self._words_reader.fingerprint(), using=self._labels.folder
            )
        statistics = self._labels.statistics()
        log.info("iteration %d  %s", step, statistics.summary())
        if self._weak.pseudo_vis_opt and statistics.labelled and self._processes.is_main:
            self._draw(step, model)
        return {"relabelled": 1.0, **statistics.scalars()}

    def stage_seconds(self) -> float | None:
        return labelling_seconds(self.model, self._words_reader, self._settings, self.device)

    def _label(self, model: nn.Module, stop: Callable[[], bool]) -> LabelCache | None:
        """Label this process's share; None if the run is to stop first. The labels made so far are on disk."""
        processes = self._processes
        if self._watersheds is None:  # For all passes of the run: each process takes seconds to start.
            self._watersheds = ExitStack().enter_context(watershed_executor(self.device))
        return label_dataset(
            model, self._words_reader, self._settings, self._labels_root, self.device,
            rank=processes.rank, world_size=processes.world, progress=processes.is_main, stop=stop,
            executor=self._watersheds,
        )  # fmt: skip

    def _draw(self, step: int, model: nn.Module) -> None:
        assert self._labels is not None
        path = Path(self._config.vis_test_dir) / f"{self._config.name}_pseudo_labels_{step}.png"
        teacher = DetectorTeacher(model, self.device, self.amp)
        title = f"{self._config.name}, iteration {step}"
        save_picture(path, draw_label_sheet(self._words_reader, self._labels, self._settings, teacher, title=title))
        log.info("iteration %d  the pseudo-labels are drawn in %s", step, path)

    def _level(self, model: nn.Module) -> float | None:
        evaluation = self.evaluate(model)
        return None if evaluation is None else evaluation.level

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        return self._evaluate(model, sweep=True)

    def state(self) -> dict[str, Any]:
        return {
            "stage": self._stage,
            "gate": self._labels_level,
            "interval": self._interval,
            "labels": self._labels.folder.name if self._labels is not None else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        self._stage, self._labels_level = state["stage"], state.get("gate", float("-inf"))
        # If the interval between evaluations changes, stages keep their length; in older checkpoints it is one pass.
        self._interval = state.get("interval", self._weak.relabel_interval or self._pass)
        if state["labels"] is None:
            return
        folder = self._labels_root / state["labels"]
        if not (folder / COLUMNS).is_dir():
            raise UserError(
                f"--resume: {folder}, this run's pseudo-labels, is missing, and their teacher was not kept; "
                "restore the folder, or start a new run from the last weights with train.ckpt_path"
            )
        self._labels = PseudoLabels(folder)
        self.dataset = self._mixed(PseudoLabelReader(self._words_reader, self._labels))
