"""The loss of CRAFT's two score maps: squared errors with mining of hard negatives.

The losses of region and affinity are computed separately and added. A pixel is positive if its target is above
`POSITIVE_ABOVE`. The squared errors are weighted by a confidence mask (0 in "don't care" words, the confidence of the
pseudo-labels in weakly supervised words, 1 elsewhere), then

    loss = mean over the positives + mean over the k hardest negatives,

per image and averaged over the batch (version 3), or once over the pixels of the whole batch (version 2),
with k from `hard_negatives`. Source: the two losses of EasyOCR's CRAFT trainer, which follow Baek et al.,
CVPR 2019, and online hard-example mining (Shrivastava et al., CVPR 2016).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

POSITIVE_ABOVE = 0.1


class HeatmapLossParts(NamedTuple):
    """Scalars on the device of the predictions: `total` = `region` + `affinity`."""

    total: Tensor
    region: Tensor
    affinity: Tensor


def hard_negatives(positives: Tensor, negatives: Tensor, *, version: int, neg_rto: float, n_min_neg: int) -> Tensor:
    """Return how many of the hardest negatives count, int64 [G].

    Version 3: max(n_min_neg, neg_rto * positives). Version 2: neg_rto * positives, but n_min_neg if there are fewer
    negatives than that, or no positives. The result is never greater than the number of negatives.

    Args:
        positives: number of positive pixels per group, integer [G].
        negatives: number of negative pixels per group, integer [G].
    """
    wanted = (positives * neg_rto).floor().to(torch.int64)
    floor = torch.full_like(wanted, n_min_neg)
    if version == 3:
        count = torch.maximum(wanted, floor)
    else:
        enough = (positives > 0) & (negatives >= positives * neg_rto)
        count = torch.where(enough, wanted.clamp(min=1), floor)
    return torch.minimum(count, negatives)


class HeatmapLoss(nn.Module):
    """Weighted squared error of both maps, without a host synchronisation.

    Args:
        version: 3 mines per image, 2 over the batch.
        neg_rto: negatives per positive.
        n_min_neg: least number of negatives.
    """

    def __init__(self, version: int = 3, neg_rto: float = 1.0, n_min_neg: int = 1000) -> None:
        super().__init__()
        if version not in (2, 3):
            raise ValueError(f"loss version must be 2 or 3, not {version}")
        self.version = version
        self.neg_rto = neg_rto
        self.n_min_neg = n_min_neg

    def forward(self, scores: Tensor, region: Tensor, affinity: Tensor, mask: Tensor) -> HeatmapLossParts:
        """Compute the loss in float32, whatever precision the network ran in.

        Args:
            scores: predictions [B, H, W, 2].
            region: target [B, H, W] in 0..1.
            affinity: target [B, H, W] in 0..1.
            mask: confidence [B, H, W] in 0..1.
        """
        with torch.autocast(scores.device.type, enabled=False):
            scores = scores.float()
            region_loss = self._map_loss(scores[..., 0], region.float(), mask.float())
            affinity_loss = self._map_loss(scores[..., 1], affinity.float(), mask.float())
            return HeatmapLossParts(region_loss + affinity_loss, region_loss, affinity_loss)

    def _map_loss(self, score: Tensor, target: Tensor, mask: Tensor) -> Tensor:
        groups = score.shape[0] if self.version == 3 else 1
        errors = ((score - target).square() * mask).reshape(groups, -1)
        positive = (target > POSITIVE_ABOVE).reshape(groups, -1)
        num_positive = positive.sum(dim=1)
        num_negative = positive.shape[1] - num_positive
        positive_mean = (errors * positive).sum(dim=1) / num_positive.clamp(min=1)

        count = hard_negatives(
            num_positive, num_negative, version=self.version, neg_rto=self.neg_rto, n_min_neg=self.n_min_neg
        )
        # Positives are sorted behind all negatives, so the first `count` of the sorted row are negatives. The count
        # stays on the device; `topk` would need it on the host.
        ordered = errors.masked_fill(positive, -1.0).sort(dim=1, descending=True).values
        rank = torch.arange(ordered.shape[1], device=ordered.device)
        hardest = torch.where(rank < count[:, None], ordered, 0.0).sum(dim=1)
        return (positive_mean + hardest / count.clamp(min=1)).mean()
