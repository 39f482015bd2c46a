"""Small networks of every kind, for the tests of what they have in common."""

from __future__ import annotations

import pytest
import torch

from model.crnn_digits import CrnnDigits
from model.recognizer import Recognizer
from model.residual_crnn import ResidualCrnn
from model.vgg_bilstm_ctc import VggBilstmCtc

SMALL = {"output_channel": 16, "hidden_size": 8}
NETWORKS = {
    "vgg_bilstm_ctc": lambda: VggBilstmCtc(12, **SMALL),
    "residual rows": lambda: ResidualCrnn(12, **SMALL),
    "residual columns": lambda: ResidualCrnn(12, reading="columns", **SMALL),
    "residual mean": lambda: ResidualCrnn(12, reading="mean", **SMALL),
    "crnn_digits": lambda: CrnnDigits(12, **SMALL),
}
every_network = pytest.mark.parametrize("make", NETWORKS.values(), ids=NETWORKS)


def pictures(model: Recognizer, batch: int, width: int, height: int = 32) -> torch.Tensor:
    return torch.randn(batch, model.input_channels, height, width)
