"""The moving average against the same recursion on plain numbers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from utils.engine.ema import averaged_model


def test_recursion_and_buffers():
    model = nn.BatchNorm1d(1)
    average = averaged_model(model, decay=0.5)
    expected = None
    for number in range(6):
        with torch.no_grad():
            model.weight.fill_(float(number))
            model.num_batches_tracked.fill_(number)
            model.running_mean.fill_(10.0 * number)
        average.update_parameters(model)
        if expected is None:
            expected = 0.0
        else:
            decay = min((1 + number) / (10 + number), 0.5)
            expected = decay * expected + (1 - decay) * number
    assert average.module.weight.item() == pytest.approx(expected, rel=1e-6)
    assert average.module.running_mean.item() == pytest.approx(10 * expected, rel=1e-6)
    assert average.module.num_batches_tracked.item() == 5
