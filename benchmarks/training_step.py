"""Time of one training step (forward, loss, backward, Adam) by precision and memory format, as medians of one run.

python -m benchmarks.training_step --width 0.25 --size 256 --batch 8
python -m benchmarks.training_step --device cuda --width 1.0 --size 768 --batch 16
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

from loss.heatmap import HeatmapLoss
from model.craft import Craft
from utils.device import autocast, effective_amp, resolve_device


def step_seconds(device: torch.device, amp: str, channels_last: bool, arguments: argparse.Namespace) -> float:
    """Return the median seconds of a step after two that are not counted."""
    torch.manual_seed(0)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    model = Craft(arguments.width).to(device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    side = arguments.size
    images = torch.randn(arguments.batch, 3, side, side, device=device).contiguous(memory_format=layout)
    target = torch.rand(2, arguments.batch, side // 2, side // 2, device=device)
    target = torch.where(target > 0.9, target, 0.0)
    criterion, mask = HeatmapLoss(), torch.ones_like(target[0])
    scaler = torch.amp.GradScaler(device.type, enabled=amp == "fp16")
    seconds = []
    for _ in range(arguments.repeat + 2):
        begun = time.perf_counter()
        with autocast(device, amp):
            scores, _ = model(images)
            loss = criterion(scores, target[0], target[1], mask).total
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        loss.item()  # waits for the device
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    print(f"width {arguments.width}, {arguments.size}x{arguments.size}, batch {arguments.batch}, {device}")
    print(f"{'amp':6}{'memory format':16}{'ms / step':>10}{'images / s':>12}{'ratio':>8}")
    baseline = None
    for amp in ("off", "bf16", "fp16"):
        if effective_amp(amp, device)[0] != amp:
            print(f"{amp:6}{'-':16}{effective_amp(amp, device)[1]}")
            continue
        for channels_last in (False, True):
            seconds = step_seconds(device, amp, channels_last, arguments)
            baseline = baseline or seconds
            layout = "channels last" if channels_last else "contiguous"
            rate = arguments.batch / seconds
            print(f"{amp:6}{layout:16}{1000 * seconds:10.0f}{rate:12.1f}{baseline / seconds:7.2f}x")


if __name__ == "__main__":
    main()
