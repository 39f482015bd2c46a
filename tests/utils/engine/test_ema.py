"""The moving average against the same recursion on plain numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from utils.engine.ema import WeightAverage


def test_recursion_and_buffers():
    model = nn.BatchNorm1d(1)
    average = WeightAverage(model, decay=0.5)
    expected = None
    for number in range(6):
        with torch.no_grad():
            model.weight.fill_(float(number))
            model.num_batches_tracked.fill_(number)
            model.running_mean.fill_(10.0 * number)
        average.update(model)
        decay = min((1 + number) / (10 + number), 0.5) if number else 0.0
        expected = number if expected is None else decay * expected + (1 - decay) * number
    assert average.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert average.module.running_mean.item() == pytest.approx(10 * expected, rel=1e-6)
    assert average.module.num_batches_tracked.item() == 5
    assert average.updates == 6
    assert not average.module.weight.requires_grad and model.weight.requires_grad


def test_an_averaged_lstm_lies_in_one_piece_for_cudnn(monkeypatch):
    flattened = []
    monkeypatch.setattr(nn.LSTM, "flatten_parameters", lambda self: flattened.append(self))
    model = nn.Sequential(nn.Linear(2, 2), nn.LSTM(2, 2))
    flattened.clear()
    average = WeightAverage(model, decay=0.5)
    assert average.module[1] in flattened
