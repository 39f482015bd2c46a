"""Frozen parts of a recogniser: what moves in a step of training and what does not."""

from __future__ import annotations

import copy

import pytest
import torch

from model.crnn_digits import CrnnDigits
from model.residual_crnn import ResidualCrnn
from model.vgg_bilstm_ctc import VggBilstmCtc
from utils.evaluate.detector import eval_mode
from utils.weights.freezing import freeze

SMALL = {"output_channel": 16, "hidden_size": 8}
PARTS = ("FeatureExtraction", "SequenceModeling", "Prediction")


def changed_parts(model) -> set[str]:
    """Take a step of training; return the parts of which a parameter or an average has changed."""
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    images = torch.randn(2, model.input_channels, 32, 64)
    model(images, model.output_length(torch.tensor([64, 40]))).square().mean().backward()
    optimizer.step()
    return {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("network", [VggBilstmCtc, ResidualCrnn, CrnnDigits])
@pytest.mark.parametrize("parts", [(), PARTS[:1], PARTS[1:2], PARTS[:2]])
def test_only_the_rest_changes(network, parts):
    model = network(12, **SMALL)
    trained = freeze(model, parts)
    model.train()
    assert trained == sum(p.numel() for n, p in model.named_parameters() if n.split(".")[0] not in parts)
    assert changed_parts(model) == set(PARTS) - set(parts)


def test_batch_norms_stay_in_eval_mode():
    model = VggBilstmCtc(12, **SMALL)
    freeze(model, ["FeatureExtraction"])
    model.eval()
    for network in (model, copy.deepcopy(model), torch.nn.DataParallel(model)):
        network.train()
        inner = getattr(network, "module", network)
        assert inner.training and inner.SequenceModeling[0].rnn.training
        assert not any(layer.training for layer in inner.FeatureExtraction.modules())
    with eval_mode(model):
        assert not any(layer.training for layer in model.modules())
    assert model.training and not model.FeatureExtraction.ConvNet[12].training


def test_a_frozen_copy_does_not_bind_the_model_it_was_copied_from():
    model = VggBilstmCtc(12, **SMALL)
    freeze(copy.deepcopy(model), ["FeatureExtraction"])
    model.train()
    assert model.FeatureExtraction.ConvNet[12].training
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_what_is_not_named_again_thaws():
    model = VggBilstmCtc(12, **SMALL)
    freeze(model, ["FeatureExtraction", "SequenceModeling"])
    freeze(model, [])
    model.train()
    assert all(layer.training for layer in model.modules())
    assert changed_parts(model) == set(PARTS)
