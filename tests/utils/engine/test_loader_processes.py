from __future__ import annotations

import pytest
import torch

from config.schema.training import Training
from utils.engine import batches


@pytest.mark.parametrize(
    "device, cores, processes, loaders",
    [
        ("cpu", 1, 1, 1),
        ("cpu", 2, 1, 1),
        ("cpu", 8, 1, 2),
        ("cpu", 64, 1, 4),
        ("cuda", 1, 1, 1),
        ("cuda", 8, 1, 7),
        ("cuda", 64, 1, 16),
        ("cuda", 64, 8, 7),  # Eight processes have eight cores each.
        ("cuda", 4, 8, 1),
    ],
)
def test_default_follows_the_cores(device: str, cores: int, processes: int, loaders: int, monkeypatch) -> None:
    monkeypatch.setattr(batches, "available_cores", lambda: cores)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
    assert batches.loader_processes(Training(), torch.device(device)) == loaders
    assert batches.loader_processes(Training(num_workers=0), torch.device(device)) == 0
    assert batches.loader_processes(Training(num_workers=5), torch.device(device)) == 5
