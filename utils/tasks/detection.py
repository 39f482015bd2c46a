"""Training CRAFT as a training task."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset as TorchDataset

from config.errors import UserError
from config.schema.datasets import Dataset
from config.schema.detection import DetectionConfig, DetectionTest
from data.detection import DetectionTrainingSet, collate
from data.preprocess import Preprocess
from data.reader import Reader
from data.readers import open_dataset
from data.readers.concat import ConcatReader
from loss.registry import build_map_loss
from model.registry import build_detector
from utils.device import Amp, autocast, memory_format
from utils.distributed.batching import samples_of_iteration
from utils.distributed.processes import ALONE, Processes
from utils.draw.maps import training_picture
from utils.engine.task import Evaluation, Task
from utils.evaluate.detector import eval_mode, evaluate_detector
from utils.evaluate.sweep import ThresholdSweep
from utils.weights.detector import load_initial_weights

log = logging.getLogger(__name__)

PICTURES = 4


class DetectionTask(Task):
    """Supervised training of CRAFT on images with character boxes; see `utils.engine.task.Task`.

    Args:
        config: the whole job.
        device: where the network runs.
        amp: precision in use there.
        readers: datasets that are open already, by their place in the configuration.
        initial_weights: load what `train.ckpt_path` or `model.backbone_weights` names; a resumed run has its own.
        processes: those of the run.

    Raises:
        UserError: data or weights are missing or do not fit.
    """

    weights_key = "craft"
    size_setting = "train.data.output_size"
    test_size_setting = "canvas_size"

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
        self.device = device
        self._processes = processes
        self._batch = samples_of_iteration(config.train, processes.world)
        self.amp: Amp = amp
        self.readers = dict(readers or {})
        data = config.train.data
        self.side = data.output_size
        # First, because it is quick: missing test data is reported before a large ground truth is converted.
        self._test_name, self._test, self._test_reader = self._validation(config)
        # Half the bytes on their way to a device that rounds more than that anyway.
        self.collate = collate if device.type == "cpu" or amp == "off" else partial(collate, maps=torch.float16)
        self.judges_start = config.train.ckpt_path is not None
        self.dataset, self.data_fingerprint, self.samples_per_step = self._open_data(config)
        self.preprocess = Preprocess(tuple(data.mean), tuple(data.std))
        self._criterion = build_map_loss(config.train)
        # Seeded directly before the network is built: its initial weights are all that torch's generator draws.
        torch.manual_seed(config.seed)
        network = build_detector(config.model)
        if initial_weights:
            load_initial_weights(network, config)
        self._format = memory_format(device)
        self.model: nn.Module = network.to(device, memory_format=self._format)

    def _open_data(self, config: DetectionConfig) -> tuple[TorchDataset, str, int]:
        """Return the training set, a hash of its data, and the samples of an iteration."""
        if not config.train.datasets:
            raise UserError("train.datasets is empty, name at least one dataset to train on")
        reader = self._open_all("train.datasets", config.train.datasets)
        log.info("training data: %s", reader.report.table())
        dataset = DetectionTrainingSet(reader, config.train.data, config.seed)
        return dataset, reader.fingerprint(), self._batch

    def _open(self, name: str, settings: Dataset) -> Reader:
        """Return the dataset of a section of the configuration, opened only once."""
        if name not in self.readers:
            self.readers[name] = open_dataset(settings)
        return self.readers[name]

    def _open_all(self, name: str, settings: Sequence[Dataset]) -> Reader:
        """Return a list of datasets as one joined dataset."""
        readers = [self._open(f"{name}.{place}", section) for place, section in enumerate(settings)]
        return readers[0] if len(readers) == 1 else ConcatReader(readers)

    def _validation(self, config: DetectionConfig) -> tuple[str | None, DetectionTest | None, Reader | None]:
        """Return the name, the settings and the data of the evaluation during training; None if there is none."""
        name = config.validated_by
        if name is None:
            log.warning("train.validation: the run is not evaluated, and best.pth is not written")
            return name, None, None
        try:
            return name, config.test[name], self._open(f"test.{name}", config.test[name].dataset)
        except UserError as fault:
            raise UserError(f"test.{name}: {fault} (train.validation=none trains without evaluating)") from fault

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        """Compute the map loss of a batch.

        Args:
            model: the detector, or a wrapper that is called like it.
            batch: on the device: `image` uint8 [B, H, W, 3]; `region`, `affinity`, `mask` float32 [B, H/2, W/2].

        Returns:
            `loss`, `loss_region` and `loss_affinity`, each a scalar on the device.
        """
        images = self.preprocess.normalise_batch(batch["image"])
        scores, _ = model(images.contiguous(memory_format=self._format))
        parts = self._criterion(scores, *(batch[name].float() for name in ("region", "affinity", "mask")))
        return {"loss": parts.total, "loss_region": parts.region, "loss_affinity": parts.affinity}

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        return self._evaluate(model, sweep=False)

    def _evaluate(self, model: nn.Module, *, sweep: bool) -> Evaluation | None:
        """Evaluate; with `sweep`, also at many thresholds, whose best F1 becomes the level of the evaluation."""
        test, reader = self._test, self._test_reader
        if test is None or reader is None:
            return None
        thresholds = ThresholdSweep(test) if sweep else None
        result = evaluate_detector(
            model, reader, test, self.preprocess, self.device, self.amp,
            on_image=thresholds.add if thresholds is not None else None, processes=self._processes,
        )  # fmt: skip
        counts = result.counts
        values = {name: getattr(counts, name) for name in ("precision", "recall", "hmean", "images")}
        summary = (
            f"{self._test_name}: precision {counts.precision:.3f}  recall {counts.recall:.3f}  F1 {counts.hmean:.3f}"
        )
        if thresholds is None:
            return Evaluation(score=counts.hmean, values=values, summary=summary)
        thresholds.join(self._processes)
        best = thresholds.best(result)
        values |= {
            "best_hmean": best.counts.hmean,
            "best_text_threshold": best.text_threshold,
            "best_low_text": best.low_text,
        }
        summary += f"  (best F1 {best.counts.hmean:.3f} at text {best.text_threshold:g}, low {best.low_text:g})"
        return Evaluation(counts.hmean, values, summary, level=best.counts.hmean, level_name="best F1")

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return pictures, uint8 [h, w, 3], RGB, of a few samples with their targets and scores (see `loss`)."""
        images = batch["image"][:PICTURES]
        with torch.no_grad(), eval_mode(model), autocast(self.device, self.amp):
            scores, _ = model(self.preprocess.normalise_batch(images))
        scores = scores.float().cpu().numpy()
        targets = [batch[name][:PICTURES].float().cpu().numpy() for name in ("region", "affinity")]
        return {
            f"sample_{index}": training_picture(
                images[index].cpu().numpy(),
                targets[0][index],
                targets[1][index],
                scores[index, ..., 0],
                scores[index, ..., 1],
            )
            for index in range(len(images))
        }
