"""Settings of the networks that find words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from config.schema.base import Options, Section


class DetectorModel(Section):
    """A detector: CRAFT (Baek et al., CVPR 2019) on VGG16 with batch normalisation, or another one by its name."""

    name: str = "craft"
    """`craft`, or the name of a detector that a file in `model/` registers."""

    options: Options = {}
    """Options of the detector, if it has any."""

    backbone: Literal["vgg16_bn"] = "vgg16_bn"
    """Feature extractor of `craft`."""

    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    """Multiplier of every channel count, rounded to multiples of 8. 1.0 is the published CRAFT (20,770,466
    parameters); 0.25 trains on a laptop."""

    backbone_weights: str = "none"
    """`imagenet` (torchvision's VGG16-BN, downloaded once), the path of such a file, or `none`."""
