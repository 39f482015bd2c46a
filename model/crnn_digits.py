"""A small CRNN that learns digits, codes and short words on a CPU in minutes and reads pictures of any width.

In the manner of kutvonenaki's "Simple digit OCR" (convolutions, BiLSTM, CTC, generated training data, no fixed
width) after Shi, Bai and Yao, TPAMI 2017. Most of the work is done at a quarter of the width and less.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from model.crnn import WIDTH_MULTIPLE, BidirectionalLSTM, ConvNetFeatures, Crnn
from model.initialisation import initialise_keras
from model.recognizer import RECOGNIZERS


@RECOGNIZERS.register("crnn_digits")
class CrnnDigits(Crnn):
    """The network: 194,171 parameters at 11 classes, W pixels give ceil(W / 4) time steps.

    Pictures are 32 pixels high; of any width, zeros are added up to a multiple of 4. A last convolution of the height
    of what the poolings leave joins the rows.

    Args:
        num_class: classes to score: characters and the blank.
        input_channel: 1 for grey pictures, 3 for RGB.
        output_channel: channels of the last convolution, a multiple of 8; the first one has an eighth.
        hidden_size: units of each direction of the BiLSTM.
        dropout: share of the features in front of the BiLSTM that training drops.
    """

    input_height = 32

    def __init__(
        self,
        num_class: int,
        input_channel: int = 1,
        output_channel: int = 128,
        hidden_size: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_channels = input_channel
        c1, c2, c3, c4 = output_channel // 8, output_channel // 4, output_channel // 2, output_channel
        self.FeatureExtraction = ConvNetFeatures(
            *_layer(input_channel, c1, 3, 1),
            nn.MaxPool2d((2, 2), (2, 2)),
            *_layer(c1, c2, 3, 1),
            nn.MaxPool2d((2, 2), (2, 2)),
            *_layer(c2, c3, 3, 1),
            nn.MaxPool2d((2, 1), (2, 1)),
            *_layer(c3, c3, 3, 1),
            *_layer(c3, c4, (4, 1), 0),
        )
        self.SequenceModeling = BidirectionalLSTM(c4, hidden_size, None, dropout)
        self.Prediction = nn.Linear(2 * hidden_size, num_class)
        initialise_keras(self)

    def output_length(self, width: Any) -> Any:
        return (width + WIDTH_MULTIPLE - 1) // WIDTH_MULTIPLE

    def _whole(self, images: Tensor) -> Tensor:
        return F.pad(images, (0, -images.shape[3] % WIDTH_MULTIPLE))

    def _columns(self, lengths: Tensor) -> Tensor:
        return lengths * WIDTH_MULTIPLE

    def _steps(self, features: Tensor, columns: Tensor | None) -> Tensor:
        return features.squeeze(2).transpose(1, 2)


def _layer(in_channels: int, out_channels: int, kernel: int | tuple[int, int], padding: int) -> list[nn.Module]:
    return [
        nn.Conv2d(in_channels, out_channels, kernel, padding=padding, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    ]
