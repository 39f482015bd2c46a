"""The device of each process: chosen by its local rank alone."""

from __future__ import annotations

import torch

from config.errors import UserError
from utils.device import resolve_device
from utils.distributed.processes import Processes


def process_device(name: str, processes: Processes) -> torch.device:
    """Return the device that `device: NAME` of the configuration means for one of several processes.

    Raises:
        UserError: there is no GPU for it, or all of them would share one.
    """
    if processes.world == 1 or name not in ("auto", "cuda") or not torch.cuda.is_available():
        device = resolve_device(name)
        if processes.world > 1 and device.type != "cpu":
            raise UserError(
                f"device={name} is one device and there are {processes.world} processes, use auto, cuda or cpu"
            )
        return device
    if processes.local_rank >= torch.cuda.device_count():
        raise UserError(
            f"process {processes.rank} is number {processes.local_rank + 1} on its machine, where "
            f"{torch.cuda.device_count()} GPUs are visible; start fewer processes a machine (--nproc-per-node)"
        )
    return resolve_device(f"cuda:{processes.local_rank}")
