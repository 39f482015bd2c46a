"""What a YAML names and a file has to register: looked up before anything is read or written."""

from __future__ import annotations

from config.errors import UserError
from config.schema.detection import DetectionConfig
from config.schema.recognition import RecognitionConfig
from config.schema.run import RunConfig
from data.augment.registry import GEOMETRIC, PHOTOMETRIC, WORD, check_names
from loss.registry import build_map_loss
from metrics.detection import metric_of
from metrics.protocols import protocol
from model.detector import DETECTORS
from model.recognizer import RECOGNIZERS
from utils.engine.schedule import SCHEDULES


def look_up_names(config: RunConfig) -> None:
    """Look up everything that the training of a job names.

    Raises:
        UserError: naming the first one that does not exist, or whose options do not fit, and where it is written.
    """
    try:
        SCHEDULES.bind(config.train.schedule, config.train.schedule_options)
        if isinstance(config, DetectionConfig):
            _names_of_detection(config)
        elif isinstance(config, RecognitionConfig):
            _names_of_recognition(config)
    except UserError as fault:
        raise UserError(config.origins.placed(str(fault))) from None


def _names_of_recognition(config: RecognitionConfig) -> None:
    RECOGNIZERS.bind(config.model.architecture, config.model.architecture_options)
    for name, test in config.test.items():
        protocol(test.protocol, f"test.{name}.protocol")
    check_names(WORD, config.train.data.extra_augment, "train.data.extra_augment")


def _names_of_detection(config: DetectionConfig) -> None:
    DETECTORS.bind(config.model.name, config.model.options)
    build_map_loss(config.train)
    for name, test in config.test.items():
        metric_of(test, name)
    augmentations = {"train.data.augment": config.train.data.augment}
    if config.train.weak is not None:
        augmentations["train.weak.custom_aug"] = config.train.weak.custom_aug
    for key, augmentation in augmentations.items():
        check_names(GEOMETRIC, augmentation.geometric, f"{key}.geometric")
        check_names(PHOTOMETRIC, augmentation.photometric, f"{key}.photometric")
