"""Training CRAFT as a job for the training loop."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from config.errors import UserError
from config.schema.detection import DetectionConfig
from data.detection import DetectionTrainingSet, collate, normalise_batch
from data.preprocess import Preprocess
from data.readers import open_dataset, open_datasets
from loss.heatmap import HeatmapLoss
from model.registry import build_detector
from utils.detection_eval import evaluate_detector
from utils.device import Amp, autocast
from utils.engine.task import Evaluation
from utils.initial_weights import load_initial_weights
from utils.visualize import training_picture

log = logging.getLogger(__name__)

PICTURES = 4


class DetectionTask:
    """Supervised training of CRAFT on images with character boxes; see `utils.engine.task.Task`.

    Args:
        config: the whole job.
        device: where the network runs.
        amp: precision in use there.

    Raises:
        UserError: data or weights are missing or do not fit.
    """

    weights_key = "craft"

    def __init__(self, config: DetectionConfig, device: torch.device, amp: Amp) -> None:
        if not config.train.datasets:
            raise UserError("train.datasets is empty, name at least one dataset to train on")
        self.device = device
        self.amp: Amp = amp
        data = config.train.data
        reader = open_datasets(config.train.datasets)
        log.info("training data: %s", reader.report.table())
        self.dataset = DetectionTrainingSet(reader, data, config.seed)
        self.data_fingerprint = reader.fingerprint()
        self.collate = collate
        self.preprocess = Preprocess(tuple(data.mean), tuple(data.std))
        self._mean = torch.tensor(data.mean, device=device)
        self._std = torch.tensor(data.std, device=device)
        self._criterion = HeatmapLoss(config.train.loss, config.train.neg_rto, config.train.n_min_neg)
        # The order of these two matters: what is drawn from torch's generator is the network's start alone.
        torch.manual_seed(config.seed)
        network = build_detector(config.model)
        load_initial_weights(network, config)
        # Channels last is what convolutions are fast in, on tensor cores and on CPUs alike.
        self.model: nn.Module = network.to(device, memory_format=torch.channels_last)
        self._test_name = config.train.validation or next(iter(config.test), None)
        self._test = config.test[self._test_name] if self._test_name else None
        self._test_reader = open_dataset(self._test.dataset) if self._test else None
        if self._test is None:
            log.warning("nothing under `test`: the run is not evaluated, and best.pth is not written")

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, Tensor]:
        images = normalise_batch(batch["image"], self._mean, self._std)
        scores, _ = model(images.contiguous(memory_format=torch.channels_last))
        parts = self._criterion(scores, batch["region"], batch["affinity"], batch["mask"])
        return {"loss": parts.total, "loss_region": parts.region, "loss_affinity": parts.affinity}

    def evaluate(self, model: nn.Module) -> Evaluation | None:
        if self._test is None or self._test_reader is None:
            return None
        result = evaluate_detector(model, self._test_reader, self._test, self.preprocess, self.device, self.amp)
        values = {
            "precision": result.precision,
            "recall": result.recall,
            "hmean": result.hmean,
            "images": result.images,
        }
        summary = (
            f"{self._test_name}: precision {result.precision:.3f}  recall {result.recall:.3f}  F1 {result.hmean:.3f}"
        )
        return Evaluation(score=result.hmean, values=values, summary=summary)

    def pictures(self, model: nn.Module, batch: Mapping[str, Any]) -> dict[str, np.ndarray]:
        images = batch["image"][:PICTURES]
        mode = model.training
        model.eval()
        with torch.no_grad(), autocast(self.device, self.amp):
            scores, _ = model(normalise_batch(images, self._mean, self._std))
        model.train(mode)
        scores = scores.float().cpu().numpy()
        targets = [batch[name][:PICTURES].cpu().numpy() for name in ("region", "affinity")]
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
