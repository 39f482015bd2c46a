"""Builds the network that a configuration names."""

from __future__ import annotations

from config.schema.model import DetectorModel
from config.schema.recognizer import RecognizerModel
from model.crnn_digits import CrnnDigits
from model.detector import DETECTORS, Detector
from model.recognizer import Recognizer
from model.residual_crnn import ResidualCrnn
from model.vgg_bilstm_ctc import VggBilstmCtc

RECOGNIZERS: dict[str, type[Recognizer]] = {
    "vgg_bilstm_ctc": VggBilstmCtc,
    "residual_crnn": ResidualCrnn,
    "crnn_digits": CrnnDigits,
}


def build_detector(settings: DetectorModel) -> Detector:
    """Return the detector with fresh weights; `backbone_weights` is the caller's to load.

    Raises:
        UserError: there is none of that name, or it has no such options.
    """
    return DETECTORS.create(settings.name, settings.options, settings.width)


def build_recognizer(config: RecognizerModel, num_class: int) -> Recognizer:
    """Return the recogniser with fresh weights; `freeze` is the caller's to do once weights are loaded.

    Args:
        config: the network; what is null there takes the default of its class.
        num_class: characters and the blank.
    """
    sizes = config.model_dump(include={"input_channel", "output_channel", "hidden_size", "dropout", "reading"})
    return RECOGNIZERS[config.architecture](
        num_class, **{name: value for name, value in sizes.items() if value is not None}
    )
