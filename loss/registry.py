"""Losses of a detector's two score maps, by the name that `train.loss` gives them."""

from __future__ import annotations

from torch import nn

from config.registry import Registry
from config.schema.detection import DetectionTraining
from loss.heatmap import HeatmapLoss

MAP_LOSSES: Registry[type[nn.Module]] = Registry("loss", "train.loss", package="loss")
"""Modules with the arguments of `HeatmapLoss.forward` that return `HeatmapLossParts`, scalars in float32.
They are called under autocast, and switch it off for operations that need float32.
"""


def build_map_loss(settings: DetectionTraining) -> nn.Module:
    """Return the loss of a training run.

    Raises:
        UserError: there is no loss of that name, or it has no such option.
    """
    if isinstance(settings.loss, str):
        return MAP_LOSSES.create(settings.loss, settings.loss_options)
    return HeatmapLoss(settings.loss, settings.neg_rto, settings.n_min_neg)
