from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from config.loader import load_config
from data.detection import collate
from loss.heatmap import HeatmapLoss
from utils.tasks.detection import DetectionTask

MAPS = ("region", "affinity", "mask")


def samples(count: int) -> list[dict]:
    rng = np.random.default_rng(7)
    return [
        {
            # A mirrored view, as an augmentation may return it.
            "image": rng.integers(0, 256, (32, 32, 3), np.uint8)[:, ::-1],
            **{name: rng.random((16, 16), np.float32) for name in MAPS},
            "sample_id": str(index),
            "unreadable": ["lost.png"] * index,
        }
        for index in range(count)
    ]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_batch_is_its_samples(workers: int) -> None:
    given = samples(3)
    (batch,) = DataLoader(given, batch_size=3, collate_fn=collate, num_workers=workers)
    for name in ("image", *MAPS):
        expected = np.stack([sample[name] for sample in given])
        assert batch[name].numpy().dtype == expected.dtype
        assert np.array_equal(batch[name].numpy(), expected)
    assert batch["sample_id"] == ["0", "1", "2"] and batch["unreadable"] == ["lost.png"] * 3


def test_half_maps_take_half_the_memory_and_hardly_change_the_loss() -> None:
    whole, half = collate(samples(4)), collate(samples(4), torch.float16)
    assert torch.equal(whole["image"], half["image"])
    for name in MAPS:
        assert 2 * half[name].nbytes == whole[name].nbytes
        assert (half[name].float() - whole[name]).abs().max() <= 0.00025
    scores = torch.rand(4, 16, 16, 2, generator=torch.Generator().manual_seed(1))
    exact, near = (HeatmapLoss()(scores, *(batch[name] for name in MAPS)).total for batch in (whole, half))
    # Of these few pixels some cross the border of the positives, which counts more than the rounding.
    assert near.item() == pytest.approx(exact.item(), rel=5e-3)


@pytest.mark.parametrize(
    "device, amp, kind",
    [
        ("cpu", "bf16", torch.float32),
        ("cpu", "off", torch.float32),
        ("meta", "off", torch.float32),
        ("meta", "bf16", torch.float16),
    ],
)
def test_maps_are_half_only_beside_a_gpu_that_rounds(device: str, amp: str, kind: torch.dtype, overrides) -> None:
    """The meta device stands for any that is no CPU."""
    config = load_config("craft_tiny", overrides, "detection")
    task = DetectionTask(config, torch.device(device), amp, initial_weights=False)
    batch = task.collate(samples(2))
    assert {batch[name].dtype for name in MAPS} == {kind}
    assert batch["image"].dtype == torch.uint8
