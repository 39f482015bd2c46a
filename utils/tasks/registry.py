"""Which job a configuration describes, and what it names and a file has to register."""

from __future__ import annotations

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
    """Return the job of a configuration, a class whose instances are made with

        task_class(config)(config, device, amp, readers=..., initial_weights=..., processes=...)

    Only its own module is loaded: what one job needs and the others do not takes long to import.
    """
    if isinstance(config, DetectionConfig):
        if config.train.weak is not None:
            from utils.tasks.weak import WeakDetectionTask

            return WeakDetectionTask
        from utils.tasks.detection import DetectionTask

        return DetectionTask
    from utils.tasks.recognition import RecognitionTask

    return RecognitionTask


def look_up_names(config: DetectionConfig | RecognitionConfig) -> None:
    """Look up everything that the training of a job names.

    Raises:
        UserError: naming the first one that does not exist, or whose options do not fit.
    """
    train = config.train
    SCHEDULES.bind(train.schedule, train.schedule_options)
    if isinstance(config, RecognitionConfig):
        RECOGNIZERS.bind(config.model.architecture, config.model.architecture_options)
        for name, test in config.test.items():
            protocol(test.protocol, f"test.{name}.protocol")
        check_names(WORD, config.train.data.extra_augment, "train.data.extra_augment")
        return
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
