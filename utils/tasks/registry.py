"""Which job a configuration describes."""

from __future__ import annotations

from config.schema.detection import DetectionConfig
from config.schema.run import RunConfig
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
