"""The base class of detectors, and their registry for `model.name`."""

from __future__ import annotations

from torch import Tensor, nn

from config.registry import Registry


class Detector(nn.Module):
    """Scores every second pixel of an image as the centre of a character and of the gap between two characters.

    A subclass is built as `Class(width, **options)`: `width` is `model.width`, a multiplier of its channel counts, and
    its keyword-only parameters are `model.options`. One that has a `model.vgg16_bn.Vgg16BN` calls it `basenet`;
    `model.backbone_weights` are loaded there. Its parameters are kept under `craft` in checkpoints, as CRAFT's are.
    """

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score images.

        Args:
            x: normalised RGB, float [B, 3, H, W]; H and W are multiples of 32.

        Returns:
            scores [B, H/2, W/2, 2], region and affinity, unbounded (trained towards 0..1), and the feature map
            [B, C, H/2, W/2] they were read from.
        """
        raise NotImplementedError


DETECTORS: Registry[type[Detector]] = Registry("detector", "model.name", package="model")
"""Detectors by name; each registers itself in its own file of `model/`."""
