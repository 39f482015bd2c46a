"""The initial weights of a detector."""

from __future__ import annotations

import logging
from urllib.error import URLError

from torch import Tensor

from config.errors import UserError
from config.schema.detection import DetectionConfig
from model.detector import Detector
from model.vgg16_bn import Vgg16BN, load_torchvision_backbone
from utils.weights.files import load_into, read_file, state_dict_of

log = logging.getLogger(__name__)


def load_initial_weights(model: Detector, config: DetectionConfig) -> None:
    """Load `train.ckpt_path`, or else `model.backbone_weights`; without both, keep the random initial weights.

    Raises:
        UserError: the weights cannot be loaded or do not fit.
    """
    path = config.train.ckpt_path
    if path is not None:
        load_into(model, state_dict_of(read_file(path), path), path)
        log.info("starting from the weights of %s", path)
        return
    source = config.model.backbone_weights
    if source == "none":
        log.info("starting from random weights")
        return
    backbone = getattr(model, "basenet", None)
    if not isinstance(backbone, Vgg16BN):
        raise UserError(
            f"model.backbone_weights={source} is for detectors on VGG16-BN, not for model.name={config.model.name}; "
            "set model.backbone_weights=none"
        )
    if config.model.width != 1.0:
        raise UserError(
            f"model.backbone_weights={source} needs model.width=1.0, the width of VGG16-BN; with model.width="
            f"{config.model.width:g} use model.backbone_weights=none"
        )
    state = _download_imagenet() if source == "imagenet" else state_dict_of(read_file(source), source)
    try:
        load_torchvision_backbone(backbone, state)
    except (KeyError, RuntimeError) as fault:
        raise UserError(
            f"model.backbone_weights: {source} is not a state dict of torchvision's vgg16_bn: "
            f"{str(fault).splitlines()[0]}"
        ) from fault
    log.info("starting from the backbone weights of %s", source)


def _download_imagenet() -> dict[str, Tensor]:
    from torchvision.models import VGG16_BN_Weights

    try:
        return dict(VGG16_BN_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True))
    except (URLError, OSError, RuntimeError) as fault:
        raise UserError(
            f"model.backbone_weights=imagenet: {VGG16_BN_Weights.IMAGENET1K_V1.url} cannot be downloaded ({fault}); "
            "download that file by other means and give its path as model.backbone_weights=PATH, or use none"
        ) from fault
