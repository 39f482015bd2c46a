"""Two recognisers as a researcher would add them: convolutions with CTC, and an encoder and decoder with attention.

Each is what one new file in `model/` would hold; nothing else is edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from config.schema.base import PositiveInt
from model.head import Head, Reading
from model.recognizer import RECOGNIZERS, Recognizer


def _layer(in_channels: int, out_channels: int, stride: tuple[int, int]) -> list[nn.Module]:
    convolution = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True)]


@RECOGNIZERS.register("conv_ctc")
class ConvCtc(Recognizer):
    """Convolutions alone, as wide as they see: W pixels give ceil(W / 4) time steps."""

    input_height = 32
    width_multiple = 4

    def __init__(self, num_class: int, input_channel: int = 1, output_channel: int = 64, *, kernel: PositiveInt = 5):
        super().__init__()
        self.input_channels = input_channel
        self.features = nn.Sequential(
            *_layer(input_channel, output_channel // 2, (2, 2)), *_layer(output_channel // 2, output_channel, (2, 2)),
            *_layer(output_channel, output_channel, (2, 1)),
        )  # fmt: skip
        self.context = nn.Conv1d(4 * output_channel, output_channel, kernel, padding=kernel // 2)
        self.Prediction = nn.Linear(output_channel, num_class)

    def output_length(self, width: Any) -> Any:
        return (width + 3) // 4

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        columns = self.features(images).flatten(1, 2)
        return self.Prediction(F.relu(self.context(columns)).transpose(1, 2))


class AttentionHead(Head):
    """One character after the other, and class 0 at the end; a step is trained by cross-entropy.

    The class after the characters is what the decoder is given before the first one.
    """

    specials = ("the end", "the start")

    def encode(self, text: str) -> list[int]:
        return [*super().encode(text), 0]

    def loss(
        self, model: nn.Module, images: Tensor, lengths: Tensor, targets: Tensor, target_lengths: Sequence[int]
    ) -> dict[str, Tensor]:
        scores = model(images, lengths, targets)
        count = torch.as_tensor(target_lengths).to(scores.device)
        real = torch.arange(targets.shape[1], device=scores.device) < count[:, None]
        losses = F.cross_entropy(scores.float().transpose(1, 2), targets, reduction="none")
        return {"loss": losses[real].mean()}

    def decode(self, scores: Tensor, lengths: Tensor) -> list[Reading]:
        best, classes = scores.log_softmax(2)[..., : len(self.alphabet) + 1].max(dim=2)
        readings = []
        for row, found in zip(best.tolist(), classes.tolist(), strict=True):
            end = found.index(0) if 0 in found else len(found)
            probability = float(torch.tensor(row[: end + 1]).sum().exp())
            readings.append(Reading(self.alphabet.decode(found[:end]), probability, probability))
        return readings


@RECOGNIZERS.register("gru_attention")
class GruAttention(Recognizer):
    """A GRU attends to columns of features and writes a character at each step (Bahdanau et al., ICLR 2015)."""

    head = AttentionHead
    class_parameters = ("Prediction.weight", "Prediction.bias", "embedding.weight")
    input_height = 32
    width_multiple = 4

    def __init__(self, num_class: int, input_channel: int = 1, hidden_size: int = 32, *, max_steps: PositiveInt = 10):
        super().__init__()
        self.input_channels, self.max_steps, self.start = input_channel, max_steps, num_class - 1
        self.features = nn.Sequential(
            *_layer(input_channel, hidden_size, (2, 2)), *_layer(hidden_size, hidden_size, (2, 2)),
            nn.Conv2d(hidden_size, hidden_size, (8, 3), padding=(0, 1)),
        )  # fmt: skip
        self.query, self.energy = nn.Linear(hidden_size, hidden_size), nn.Linear(hidden_size, 1)
        self.embedding = nn.Embedding(num_class, hidden_size)
        self.cell = nn.GRUCell(2 * hidden_size, hidden_size)
        self.Prediction = nn.Linear(hidden_size, num_class)

    def output_length(self, width: Any) -> Any:
        return (width + 3) // 4

    def forward(self, images: Tensor, lengths: Tensor | None = None, targets: Tensor | None = None) -> Tensor:
        memory = self.features(images).squeeze(2).transpose(1, 2)
        count = memory.shape[1] if lengths is None else lengths.to(images.device)[:, None]
        padding = torch.arange(memory.shape[1], device=images.device) >= count
        state = memory.new_zeros(len(memory), memory.shape[2])
        previous = torch.full((len(memory),), self.start, device=images.device)
        scores = []
        for step in range(self.max_steps if targets is None else targets.shape[1]):
            energy = self.energy(torch.tanh(memory + self.query(state)[:, None])).squeeze(2)
            weights = energy.masked_fill(padding, -torch.inf).softmax(1)
            context = (weights[..., None] * memory).sum(dim=1)
            state = self.cell(torch.cat([context, self.embedding(previous)], dim=1), state)
            scores.append(self.Prediction(state))
            previous = scores[-1][:, :-1].argmax(dim=1) if targets is None else targets[:, step]
        return torch.stack(scores, dim=1)
