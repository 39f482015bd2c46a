"""The LSTMs of the recognisers as a GPU wants them: precision, frozen weights, and no wait for the device."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from small_recognizers import every_network, pictures
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from model import crnn
from utils.weights.freezing import freeze


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


class CudnnLSTM(nn.LSTM):
    """An LSTM with the rule of cuDNN's: no backward pass of what was computed in eval mode."""

    def forward(self, *arguments):
        if torch.is_grad_enabled() and not self.training:
            raise RuntimeError("cudnn RNN backward can only be called in training mode")
        return super().forward(*arguments)


@every_network
def test_a_frozen_lstm_passes_gradients_on_as_cudnn_wants_it(make, monkeypatch):
    monkeypatch.setattr(crnn, "read_padded", lambda rnn, packed: rnn(packed)[0])
    monkeypatch.setattr(nn, "LSTM", CudnnLSTM)
    model = make()
    freeze(model, ["SequenceModeling"])
    before = {name: value.clone() for name, value in model.state_dict().items() if "SequenceModeling" in name}
    lengths = model.output_length(torch.tensor([64, 40]))
    for training in (True, False):
        model.train(training)
        for layer in model.SequenceModeling.modules():
            if isinstance(layer, nn.LSTM):
                assert layer.training == training
            elif isinstance(layer, nn.Dropout):
                assert not layer.training
        with nullcontext() if training else torch.no_grad():
            scores = model(pictures(model, 2, 64), lengths)
    model.train()
    model(pictures(model, 2, 64), lengths).square().mean().backward()
    assert all((parameter.grad is None) == ("SequenceModeling" in name) for name, parameter in model.named_parameters())
    assert all(torch.equal(model.state_dict()[name], value) for name, value in before.items())
    assert torch.isfinite(scores).all()


@every_network
def test_packing_leaves_nothing_on_the_device_to_wait_for(make):
    """Torch copies the order of packed samples to the device and back, and waits for it each time."""
    model, seen = make(), []
    part = model.SequenceModeling
    part.register_forward_pre_hook(lambda _module, given: seen.append(given[0]))
    model(pictures(model, 3, 64), model.output_length(torch.tensor([40, 64, 32])))
    assert isinstance(seen[0], PackedSequence)
    assert seen[0].sorted_indices is None and seen[0].unsorted_indices is None
