"""None-VGG-BiLSTM-CTC: the recogniser of EasyOCR's second generation and of deep-text-recognition-benchmark.

Source: Baek et al., "What Is Wrong With Scene Text Recognition Model Comparisons?", ICCV 2019, after Shi, Bai and
Yao, "An End-to-End Trainable Neural Network for Image-based Sequence Recognition", TPAMI 2017. Parameter names,
shapes and the random initial weights are those of the published networks, so weights can be exchanged with them.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from model.crnn import BidirectionalLSTM, ConvNetFeatures, Crnn
from model.initialisation import initialise_published
from model.recognizer import RECOGNIZERS


@RECOGNIZERS.register("vgg_bilstm_ctc")
class VggBilstmCtc(Crnn):
    """The recogniser; 3,781,345 parameters with the sizes given here and 97 classes.

    The remaining rows after the convolutions are averaged, so any height of 32 or more is possible. The last 2x2
    convolution removes a column: W pixels give W // 4 - 1 time steps. With lengths, the last W % 4 pixels of a picture
    are cut off.

    Args:
        num_class: classes to score: characters and the blank.
        input_channel: 1 for grey pictures, 3 for RGB.
        output_channel: channels of the last convolutions, a multiple of 8; the first ones have an eighth.
        hidden_size: units of each direction of the two BiLSTMs.
        dropout: share of the features dropped in front of each BiLSTM; the published network drops none.
    """

    minimum_width = 8

    def __init__(
        self,
        num_class: int,
        input_channel: int = 1,
        output_channel: int = 256,
        hidden_size: int = 256,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.input_channels = input_channel
        c1, c2, c3, c4 = output_channel // 8, output_channel // 4, output_channel // 2, output_channel
        self.FeatureExtraction = ConvNetFeatures(
            nn.Conv2d(input_channel, c1, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, 2), (2, 2)),
            nn.Conv2d(c1, c2, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, 2), (2, 2)),
            nn.Conv2d(c2, c3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(c3, c3, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, 1), (2, 1)),
            nn.Conv2d(c3, c4, 3, padding=1, bias=False),
            nn.BatchNorm2d(c4),
            nn.ReLU(inplace=True),
            nn.Conv2d(c4, c4, 3, padding=1, bias=False),
            nn.BatchNorm2d(c4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d((2, 1), (2, 1)),
            nn.Conv2d(c4, c4, 2),
            nn.ReLU(inplace=True),
        )
        self.SequenceModeling = nn.Sequential(
            BidirectionalLSTM(c4, hidden_size, hidden_size, dropout),
            BidirectionalLSTM(hidden_size, hidden_size, hidden_size, dropout),
        )
        self.Prediction = nn.Linear(hidden_size, num_class)
        initialise_published(self)

    def output_length(self, width: Any) -> Any:
        steps = width // 4 - 1
        return steps * (steps > 0)

    def _whole(self, images: Tensor) -> Tensor:
        return images[..., : images.shape[3] // 4 * 4]

    def _alone(self, images: Tensor) -> Tensor:
        return images  # As published: the first convolutions see the pixels, too, that the poolings then leave out.

    def _columns(self, lengths: Tensor) -> Tensor:
        return (lengths + 1) * 4

    def _steps(self, features: Tensor, columns: Tensor | None) -> Tensor:
        return features.mean(dim=2).transpose(1, 2)
