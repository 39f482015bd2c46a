"""The task of a configuration."""

from __future__ import annotations

from config.schema.detection import DetectionConfig
from config.schema.run import RunConfig
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
