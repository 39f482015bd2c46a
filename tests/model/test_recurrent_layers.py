"""The LSTMs of the recognisers as a GPU wants them: precision, frozen weights, and no wait for the device."""

from __future__ import annotations

import pytest
import torch
from small_recognizers import every_network, pictures
from torch import nn
from torch.nn.utils.rnn import PackedSequence


@every_network
@pytest.mark.parametrize("padded", [False, True])
def test_lstms_run_in_float32_without_autocast_on_any_device(make, padded, monkeypatch):
    """cuDNN's LSTM is in float16 under autocast, even under that of bfloat16."""
    model, seen = make(), []

    def spy(run):
        def recorded(*arguments, **options):
            tensors = [tensor for tensor in arguments if isinstance(tensor, torch.Tensor | PackedSequence)]
            seen.append((torch.is_autocast_enabled("cpu"), {tensor.data.dtype for tensor in tensors}))
            return run(*arguments, **options)

        return recorded

    for layer in model.modules():
        if isinstance(layer, nn.LSTM):
            monkeypatch.setattr(layer, "forward", spy(layer.forward))
    monkeypatch.setattr(torch, "lstm", spy(torch.lstm))
    lengths = model.output_length(torch.tensor([64, 40])) if padded else None
    with torch.autocast("cpu", torch.bfloat16):
        scores = model(pictures(model, 2, 64), lengths)
    assert scores.dtype == torch.bfloat16 and seen
    assert all(found == (False, {torch.float32}) for found in seen)
    scores.float().square().mean().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
