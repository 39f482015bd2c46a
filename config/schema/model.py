"""Settings of the networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Section


class CraftModel(Section):
    """CRAFT (Baek et al., CVPR 2019) on VGG16 with batch normalisation."""

    backbone: Literal["vgg16_bn"] = "vgg16_bn"
    """Feature extractor."""

    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    """Multiplier of every channel count, rounded to multiples of 8. 1.0 is the published network (20,770,466
    parameters); 0.25 trains on a laptop."""

    backbone_weights: str = "none"
    """`imagenet` (torchvision's VGG16-BN, downloaded once), the path of such a file, or `none`."""
