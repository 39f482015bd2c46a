"""VGG16 with batch normalisation, split into the five slices whose outputs CRAFT combines.

The layers keep their indices of torchvision's `vgg16_bn().features`, so the parameter names (`slice1.0.weight`) are the
same as in CRAFT's published weights and in EasyOCR's trainer.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR
2015; Baek et al., "Character Region Awareness for Text Detection", CVPR 2019, figure 2.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VGG16_CHANNELS = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, "pool", 512, 512, 512, "pool", 512, 512, 512)
"""Convolutions of VGG16 up to conv5_3; every one is followed by a batch norm and a ReLU."""

SLICE_ENDS = (12, 19, 29, 39)
"""Index in `features` after which each of the slices 1 to 4 ends: each ends on a batch norm."""

FC_CHANNELS = 1024


class VggFeatures(NamedTuple):
    """Feature maps, coarse to fine; strides 16, 16, 8, 4 and 2."""

    fc7: Tensor
    conv5_2: Tensor
    conv4_2: Tensor
    conv3_2: Tensor
    conv2_2: Tensor


def scaled(channels: int, width: float) -> int:
    """Return `channels` times `width`, rounded to a multiple of 8 and at least 8 (exact at width 1)."""
    return max(8, round(channels * width / 8) * 8) if width != 1.0 else channels


def _features(width: float) -> list[nn.Module]:
    """Return the layers of torchvision's `vgg16_bn().features`, in order, as far as conv5_2's batch norm."""
    layers: list[nn.Module] = []
    in_channels = 3
    for item in VGG16_CHANNELS:
        if item == "pool":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        out_channels = scaled(int(item), width)
        layers += [nn.Conv2d(in_channels, out_channels, 3, padding=1), nn.BatchNorm2d(out_channels), nn.ReLU()]
        in_channels = out_channels
    return layers[: SLICE_ENDS[-1]]


class Vgg16BN(nn.Module):
    """The backbone: `forward(x [B, 3, H, W]) -> VggFeatures`.

    Args:
        width: multiplier of every channel count.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        layers = _features(width)
        start = 0
        for part, end in enumerate(SLICE_ENDS, start=1):
            layers_of_part = nn.Sequential()
            for index in range(start, end):
                layers_of_part.add_module(str(index), layers[index])
            self.add_module(f"slice{part}", layers_of_part)
            start = end
        # conv6 and conv7 of SSD's VGG: dilated so that stride 16 is kept.
        last, fc = scaled(512, width), scaled(FC_CHANNELS, width)
        self.slice5 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            nn.Conv2d(last, fc, kernel_size=3, padding=6, dilation=6),
            nn.Conv2d(fc, fc, kernel_size=1),
        )

    def forward(self, x: Tensor) -> VggFeatures:
        """Return the feature maps, each [B, C, H / stride, W / stride], of normalised RGB images [B, 3, H, W]."""
        conv2_2 = self.slice1(x)
        conv3_2 = self.slice2(conv2_2)
        conv4_2 = self.slice3(conv3_2)
        conv5_2 = self.slice4(conv4_2)
        fc7 = self.slice5(conv5_2)
        # The published network runs its ReLUs in place, so the next slice rectifies these three maps before
        # the decoder reads them; conv5_2 is followed by a pooling and stays as the batch norm leaves it.
        return VggFeatures(fc7, conv5_2, F.relu(conv4_2), F.relu(conv3_2), F.relu(conv2_2))


def from_torchvision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Rename the `features.N.*` entries of a torchvision VGG16-BN state dict to the names of this module.

    Args:
        state: convolution weights float [out, in, 3, 3], and biases and batch norms float [C], by torchvision's names.

    Returns:
        The same tensors of slices 1 to 4; the classifier and conv5_3 are left out.
    """
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        parts = name.split(".")
        if parts[0] != "features" or not parts[1].isdigit():
            continue
        index = int(parts[1])
        part = next((part for part, end in enumerate(SLICE_ENDS, start=1) if index < end), None)
        if part is not None:
            renamed[f"slice{part}.{'.'.join(parts[1:])}"] = value
    return renamed


def initialise(module: nn.Module) -> None:
    """Initialise in place: Xavier-uniform convolutions without bias, neutral batch norms."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)


def load_torchvision_backbone(backbone: Vgg16BN, state: dict[str, torch.Tensor]) -> None:
    """Copy torchvision's weights into slices 1 to 4 of `backbone`.

    Args:
        backbone: at width 1.
        state: convolution weights float [out, in, 3, 3], and biases and batch norms float [C], by torchvision's names.

    Raises:
        KeyError: a weight is missing.
        RuntimeError: a shape differs.
    """
    renamed = from_torchvision(state)
    current = backbone.state_dict()
    expected = {name for name in current if not name.startswith("slice5.")}
    missing = expected - renamed.keys()
    if missing:
        raise KeyError(sorted(missing)[0])
    backbone.load_state_dict({**current, **{name: renamed[name] for name in expected}})
