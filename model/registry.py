"""Builds the network that a configuration names."""

from __future__ import annotations

import inspect

from config.errors import UserError
from config.schema.model import DetectorModel, RecognizerModel
from model.detector import DETECTORS, Detector
from model.recognizer import RECOGNIZERS, Recognizer


def build_detector(settings: DetectorModel) -> Detector:
    """Return the detector with fresh weights; `backbone_weights` is the caller's to load.

    Raises:
        UserError: there is none of that name, or it has no such options.
    """
    return DETECTORS.create(settings.name, settings.options, settings.width)


def build_recognizer(settings: RecognizerModel, num_class: int) -> Recognizer:
    """Return the recogniser with fresh weights; `freeze` is the caller's to do once weights are loaded.

    Args:
        settings: the network; what is null there takes the default of its class.
        num_class: number of classes to score, see `Head.num_class`.

    Raises:
        UserError: there is no such network, or it has no such setting.
        ValueError: the class of the network does not keep its promises.
    """
    name = settings.architecture
    build = RECOGNIZERS.bind(name, settings.architecture_options)
    sizes = settings.model_dump(exclude={"architecture", "architecture_options", "freeze"}, exclude_none=True)
    known = inspect.signature(RECOGNIZERS.get(name)).parameters
    for setting, value in sizes.items():
        if setting not in known:
            raise UserError(f"model.{setting}={value} is no setting of the recogniser {name}; leave it out")
    network = build(num_class, **sizes)
    missing = set(network.class_parameters) - set(network.state_dict())
    if missing:
        raise ValueError(f"{type(network).__name__}.class_parameters names what it does not have: {sorted(missing)}")
    return network
