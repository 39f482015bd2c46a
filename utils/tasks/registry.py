"""The task of a configuration, and a check of all registered names in it."""

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
from utils.engine.task import Task


def task_class(config: RunConfig) -> type[Task]:
    """Return the task class of a configuration, whose instances are created with

        task_class(config)(config, device, amp, readers=..., initial_weights=..., processes=...)

    Only the module of that task is imported, because importing takes long.
    """
    if isinstance(config, DetectionConfig):
        if config.train.weak is not None:
            from utils.tasks.weak import WeakDetectionTask

            return WeakDetectionTask
        from utils.tasks.detection import DetectionTask

        return DetectionTask
    from utils.tasks.recognition import RecognitionTask

    return RecognitionTask


def look_up_names(config: RunConfig) -> None:
    """Look up all registered names that a job uses.

    Raises:
        UserError: a name does not exist, or its options do not fit; the message says where it is written.
    """
    try:
        SCHEDULES.bind(config.train.schedule, config.train.schedule_options)
        if isinstance(config, DetectionConfig):
            _look_up_detection(config)
        elif isinstance(config, RecognitionConfig):
            _look_up_recognition(config)
    except UserError as fault:
        raise UserError(config.origins.placed(str(fault))) from None


def _look_up_recognition(config: RecognitionConfig) -> None:
    RECOGNIZERS.bind(config.model.architecture, config.model.architecture_options)
    for name, test in config.test.items():
        protocol(test.protocol, f"test.{name}.protocol")
    check_names(WORD, config.train.data.extra_augment, "train.data.extra_augment")


def _look_up_detection(config: DetectionConfig) -> None:
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
