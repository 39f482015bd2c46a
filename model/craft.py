"""CRAFT: a U-shaped network that scores, for every second pixel, "centre of a character" and "centre of the gap
between two characters of a word".

Source: Baek et al., "Character Region Awareness for Text Detection", CVPR 2019. Parameter names are those of
the weights published with the paper.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.detector import DETECTORS, Detector
from model.vgg16_bn import FC_CHANNELS, Vgg16BN, initialise, scaled


class UpConv(nn.Module):
    """Joins two feature maps: a 1x1 convolution to `mid` channels, a 3x3 one to `out`, each with BN and ReLU."""

    def __init__(self, in_channels: int, mid: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(in_channels, mid, kernel_size=1),
            nn.BatchNorm2d(mid),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid, out, kernel_size=3, padding=1),
            nn.BatchNorm2d(out),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map features, float [B, in_channels, H, W], to [B, out, H, W]."""
        return self.conv(x)


@DETECTORS.register("craft")
class Craft(Detector):
    """The detector.

    Args:
        width: multiplier of every channel count; 1.0 gives the published 20,770,466 parameters.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.width = width
        c512, c256, c128, c64, c32, c16 = (scaled(c, width) for c in (512, 256, 128, 64, 32, 16))
        self.basenet = Vgg16BN(width)
        self.upconv1 = UpConv(scaled(FC_CHANNELS, width) + c512, c512, c256)
        self.upconv2 = UpConv(c256 + c512, c256, c128)
        self.upconv3 = UpConv(c128 + c256, c128, c64)
        self.upconv4 = UpConv(c64 + c128, c64, c32)
        self.conv_cls = nn.Sequential(
            nn.Conv2d(c32, c32, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c32, c32, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c32, c16, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c16, c16, kernel_size=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c16, 2, kernel_size=1),
        )
        initialise(self)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Score an image.

        Args:
            x: normalised RGB, float [B, 3, H, W].

        Returns:
            scores [B, H/2, W/2, 2], region and affinity, unbounded (trained towards 0..1), and the feature
            map [B, 32 * width, H/2, W/2] they were read from.
        """
        maps = self.basenet(x)
        y = self.upconv1(torch.cat([maps.fc7, maps.conv5_2], dim=1))
        for skip, upconv in (
            (maps.conv4_2, self.upconv2),
            (maps.conv3_2, self.upconv3),
            (maps.conv2_2, self.upconv4),
        ):
            y = F.interpolate(y, size=skip.shape[2:], mode="bilinear", align_corners=False)
            y = upconv(torch.cat([y, skip], dim=1))
        return self.conv_cls(y).permute(0, 2, 3, 1), y
