"""Is the device as right as the CPU: losses, CTC, networks, batch norms, and the guard against numbers not finite."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from benchmarks.gpu.bench import FAIL, OK, Bench, distance, judge, part, say
from config.schema.model import RecognizerModel
from loss.ctc import CTCLoss
from loss.heatmap import HeatmapLoss
from model.craft import Craft
from model.registry import build_recognizer
from utils.device import autocast, memory_format, resolve_amp
from utils.engine.ema import WeightAverage

CPU = torch.device("cpu")
ARCHITECTURES = ("vgg_bilstm_ctc", "crnn_digits")


def run(bench: Bench) -> None:
    """Compare in full float32, then say how far the other precisions are from it."""
    resolve_amp("off", bench.device)
    for version in (2, 3):
        with part(f"heatmap loss {version}"):
            _heatmap_loss(bench, version)
    with part("ctc"):
        _ctc(bench)
    with part("CRAFT"):
        _craft(bench)
    for name in ARCHITECTURES:
        with part(name):
            _recognizer(bench, name)
    with part("average of an LSTM"):
        _average(bench)


def _on_each_device(bench: Bench, x: Tensor) -> list[Tensor]:
    return [x.to(device).requires_grad_() for device in (CPU, bench.device)]


def _heatmap_loss(bench: Bench, version: int) -> None:
    torch.manual_seed(0)
    target = torch.rand(2, 4, 48, 48) * (torch.rand(2, 4, 48, 48) > 0.9)
    mask = (torch.rand(4, 48, 48) > 0.1).float()
    losses, inputs = [], _on_each_device(bench, torch.randn(4, 48, 48, 2) * 0.3)
    for x in inputs:
        losses.append(HeatmapLoss(version, 1.0, 100)(x, *target.to(x.device), mask.to(x.device)).total)
        losses[-1].backward()
    judge(f"heatmap loss {version} against the CPU", distance(losses[1], losses[0]), 1e-5)
    judge(f"heatmap loss {version}, gradient", distance(inputs[1].grad, inputs[0].grad), 1e-4)


def _ctc(bench: Bench) -> None:
    torch.manual_seed(0)
    lengths, counts = torch.randint(2, 61, (64,)), torch.randint(1, 20, (64,))
    lengths[0], counts[1], targets = 1, 0, torch.randint(1, 97, (64, 20))
    losses, inputs = [], _on_each_device(bench, torch.randn(64, 60, 97))
    for x in inputs:
        losses.append(CTCLoss()(x, lengths, targets.to(x.device), counts))
        losses[-1].loss.backward()
    judge("CTC against the CPU", distance(losses[1].loss, losses[0].loss), 1e-5)
    judge("CTC, gradient", distance(inputs[1].grad, inputs[0].grad), 1e-4)
    say("CTC, words without room", float(losses[1].zeroed_share), OK if losses[1].zeroed_share > 0 else FAIL)


def _craft(bench: Bench) -> None:
    torch.manual_seed(0)
    network, images = Craft(0.125).train(), torch.randn(2, 3, 96, 64)
    outputs = []
    for device in (CPU, bench.device):
        twin = copy.deepcopy(network).to(device, memory_format=memory_format(device))
        scores, _ = twin(images.to(device).contiguous(memory_format=memory_format(device)))
        scores.square().mean().backward()
        outputs.append((scores, twin.conv_cls[0].weight.grad))
    judge("CRAFT, float32 against the CPU", distance(outputs[1][0], outputs[0][0]), 1e-4)
    judge("CRAFT, gradient", distance(outputs[1][1], outputs[0][1]), 1e-2)


def _recognizer(bench: Bench, name: str) -> None:
    def network(device: torch.device) -> nn.Module:
        torch.manual_seed(0)
        model = RecognizerModel(architecture=name, output_channel=64, hidden_size=32)
        return build_recognizer(model, 40).placed(device, memory_format(device)).eval()

    on_cpu, there = network(CPU), network(bench.device)
    images = torch.randn(4, on_cpu.input_channels, 32, 160)
    lengths = on_cpu.output_length(torch.tensor([160, 120, 80, 64]))
    with torch.no_grad():
        exact = on_cpu(images, lengths)
        judge(f"{name}, float32 against the CPU", distance(there(images.to(bench.device), lengths), exact), 1e-3)
        with autocast(bench.device, "bf16"):
            judge(f"{name}, bf16", distance(there(images.to(bench.device), lengths), exact), 0.1)


def _average(bench: Bench) -> None:
    torch.manual_seed(0)
    model = nn.LSTM(8, 8, bidirectional=True).to(bench.device)
    average = WeightAverage(model, 0.5)
    average.update(model)
    x = torch.randn(5, 2, 8, device=bench.device)
    judge("average of an LSTM after one update", distance(average.module(x)[0], model(x)[0]), 1e-6)
