"""Losses of a detector's two score maps, by the name that `train.loss` gives them."""

from __future__ import annotations

from torch import nn

from config.registry import Registry
from config.schema.detection import DetectionTraining
from loss.heatmap import HeatmapLoss

MAP_LOSSES: Registry[type[nn.Module]] = Registry("loss", "train.loss", package="loss")
"""Modules that take what `HeatmapLoss.forward` takes and return its `HeatmapLossParts`, scalars in float32.
They are called under autocast, and switch it off for what needs float32.
"""


def build_map_loss(settings: DetectionTraining) -> nn.Module:
    """Return the loss of a training run.

    Raises:
        UserError: there is none of that name, or it has no such options.
    """
    if isinstance(settings.loss, str):
        return MAP_LOSSES.create(settings.loss, settings.loss_options)
    return HeatmapLoss(settings.loss, settings.neg_rto, settings.n_min_neg)
