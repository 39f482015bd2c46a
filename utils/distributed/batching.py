"""The number of samples in an iteration."""

from __future__ import annotations

from config.errors import UserError
from config.schema.training import Training


def samples_of_iteration(settings: Training, world: int) -> int:
    """Return the samples of an iteration, of all processes and all micro-batches together.

    Args:
        settings: `batch_size` is for one process and one micro-batch; `global_batch_size` replaces it.
        world: number of processes.

    Raises:
        UserError: `global_batch_size` cannot be divided evenly.
    """
    parts = world * settings.accumulate
    if settings.global_batch_size is None:
        return settings.batch_size * parts
    if settings.global_batch_size % parts:
        raise UserError(
            f"train.global_batch_size={settings.global_batch_size} cannot be divided evenly among {world} processes "
            f"with train.accumulate={settings.accumulate}; make it a multiple of {parts}"
        )
    return settings.global_batch_size
