"""The residual network with BiLSTM and CTC of mltu's tutorial "Text Recognition With TensorFlow and CTC network".

Blocks after He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; LeakyReLU of slope 0.1 and batch
norms of epsilon 0.001, as mltu and Keras have them.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from model.crnn import WIDTH_MULTIPLE, BidirectionalLSTM, Crnn, blank_beyond
from model.initialisation import initialise_keras
from model.recognizer import RECOGNIZERS

Reading = Literal["rows", "columns", "mean"]

HEIGHT = 32
ROWS = HEIGHT // 4
"""Rows of the last feature map."""

SLOPE = 0.1
EPSILON = 1e-3


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norms beside a skip: [B, in, H, W] -> [B, out, ceil(H / s), ceil(W / s)].

    Args:
        in_channels: channels that come in.
        out_channels: channels that come out.
        stride: s, of the first convolution and of the skip's.
        skip_conv: a 1x1 convolution in the skip; without, the picture passes as it is.
        dropout: share of what comes out that training drops.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, skip_conv: bool, dropout: float) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1)
        self.bn1 = nn.BatchNorm2d(out_channels, eps=EPSILON)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels, eps=EPSILON)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, stride) if skip_conv else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, columns: Tensor | None = None) -> Tensor:
        """Apply the block.

        Args:
            x: float [B, in, H, W], zero beyond the width of each sample.
            columns: int64 [B], the width of each sample in columns of the output; None where no sample is padded.

        Returns:
            float [B, out, ceil(H / s), ceil(W / s)], zero beyond `columns`.
        """
        y = blank_beyond(F.leaky_relu(self.bn1(self.conv1(x)), SLOPE), columns)
        y = self.bn2(self.conv2(y)) + self.skip(x)
        return blank_beyond(self.dropout(F.leaky_relu(y, SLOPE)), columns)


class ResidualFeatures(nn.Module):
    """The seven blocks: [B, in, H, W] -> [B, out, H / 4, W / 4], H and W multiples of 4.

    Args:
        in_channels: channels of the pictures.
        out_channels: channels of the last two blocks; the first three have a quarter, the next two half.
        dropout: see `ResidualBlock`.
    """

    def __init__(self, in_channels: int, out_channels: int, dropout: float) -> None:
        super().__init__()
        c1, c2, c3 = out_channels // 4, out_channels // 2, out_channels
        self.blocks = nn.ModuleList(
            [
                ResidualBlock(in_channels, c1, 1, True, dropout),
                ResidualBlock(c1, c1, 2, True, dropout),
                ResidualBlock(c1, c1, 1, False, dropout),
                ResidualBlock(c1, c2, 2, True, dropout),
                ResidualBlock(c2, c2, 1, False, dropout),
                ResidualBlock(c2, c3, 1, True, dropout),
                ResidualBlock(c3, c3, 1, False, dropout),
            ]
        )

    def forward(self, images: Tensor, columns: Tensor | None = None) -> Tensor:
        """Compute the feature map.

        Args:
            images: float [B, in, H, W].
            columns: int64 [B], the width of each sample in pixels, a multiple of 4; None where no sample is padded.

        Returns:
            float [B, out, H / 4, W / 4], zero beyond the width of each sample.
        """
        x = blank_beyond(images, columns)
        for block in self.blocks:
            columns = columns if columns is None else columns // block.stride
            x = block(x, columns)
        return x


@RECOGNIZERS.register("residual_crnn")
class ResidualCrnn(Crnn):
    """The listed network: 252,351 parameters with 63 classes, 251,839 in Keras, whose LSTM has one bias for two.

    Pictures are 32 pixels high; of any width, zeros are added up to a multiple of 4. The feature map of a picture of
    W pixels has 8 rows and w = ceil(W / 4) columns of 64 features, and `reading` says in which order they become
    time steps. It changes neither names nor shapes, but the weights of one reading mean nothing in another:

    - `rows`, as listed (Keras's reshape of [8, w, 64] to [8 w, 64]): the top row from left to right, then the next;
      eight passes over the picture. The text must be spelt once along them, so a character stands where its turn
      comes rather than where it is, and the BiLSTM must carry the whole word from pass to pass.
    - `columns`: the first column from top to bottom, then the next; as many steps of as many features, read from left
      to right once, which is the order that CTC's alignment assumes.
    - `mean`: the rows averaged; w steps, an eighth of the work of the BiLSTM.

    The listing pads its strided convolutions on the right and below only (Keras's `same`); here they are padded on
    every side, which keeps the two branches of a block aligned, as mltu's own PyTorch networks do.

    Args:
        num_class: classes to score: characters and the blank.
        input_channel: 1 for grey pictures, 3 for RGB.
        output_channel: channels of the last blocks, a multiple of 4.
        hidden_size: units of each direction of the BiLSTM.
        dropout: share of each block's output that training drops.
        reading: the order of the time steps.
    """

    input_height = HEIGHT
    # On a CPU the gradient of a convolution of 1 x 1 pixels with a stride crashes in that layout, at 8 channels at
    # least (torch 2.15, oneDNN); every second block's shortcut is one.
    channels_last = False

    def __init__(
        self,
        num_class: int,
        input_channel: int = 3,
        output_channel: int = 64,
        hidden_size: int = 64,
        dropout: float = 0.2,
        reading: Reading = "rows",
    ) -> None:
        super().__init__()
        self.input_channels = input_channel
        self.reading = reading
        self.FeatureExtraction = ResidualFeatures(input_channel, output_channel, dropout)
        self.SequenceModeling = BidirectionalLSTM(output_channel, hidden_size, None)
        self.Prediction = nn.Linear(2 * hidden_size, num_class)
        initialise_keras(self)

    @property
    def _steps_per_column(self) -> int:
        return 1 if self.reading == "mean" else ROWS

    def output_length(self, width: Any) -> Any:
        return (width + WIDTH_MULTIPLE - 1) // WIDTH_MULTIPLE * self._steps_per_column

    def _whole(self, images: Tensor) -> Tensor:
        return F.pad(images, (0, -images.shape[3] % WIDTH_MULTIPLE))

    def _columns(self, lengths: Tensor) -> Tensor:
        if (lengths % self._steps_per_column).any():
            raise ValueError(f"lengths must be multiples of {self._steps_per_column}, got {lengths.tolist()}")
        return lengths // self._steps_per_column * WIDTH_MULTIPLE

    def _steps(self, features: Tensor, columns: Tensor | None) -> Tensor:
        if self.reading == "mean":
            return features.mean(dim=2).transpose(1, 2)
        if self.reading == "columns":
            return features.permute(0, 3, 2, 1).flatten(1, 2)
        steps = features.permute(0, 2, 3, 1).flatten(1, 2)
        if columns is None:
            return steps
        # Each sample's own rows, one after the other, without what is between them in the padded map.
        widths = (columns // WIDTH_MULTIPLE)[:, None]
        time = torch.arange(steps.shape[1], device=steps.device)
        source = (time // widths * features.shape[3] + time % widths).clamp(max=steps.shape[1] - 1)
        return steps.gather(1, source[..., None].expand_as(steps))
