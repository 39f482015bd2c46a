"""What the convolutional recurrent networks have in common: convolutions make a row of features out of a picture, a
BiLSTM reads it, and a linear layer scores the classes of every time step (CRNN: Shi, Bai and Yao, TPAMI 2017).

The three parts are called as in deep-text-recognition-benchmark and EasyOCR (`FeatureExtraction`,
`SequenceModeling`, `Prediction`), in every network of the family.

Pictures of a batch are padded to the longest. Given the true lengths, a network sees zeros beyond the end of each
picture in front of every convolution, which is what it would see were the picture alone, and its BiLSTM ends where
the picture ends: in eval mode the scores of a picture do not depend on the company it is in. In training mode the
batch norms take their statistics over the padding, too; buckets of similar widths keep that share small.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from model.recognizer import Recognizer

WIDTH_MULTIPLE = 4
"""Pixels of width to a column of the last feature map, in every network of the family."""


class Crnn(Recognizer):
    """A recogniser of three parts: `FeatureExtraction`, `SequenceModeling` and `Prediction`."""

    FeatureExtraction: nn.Module
    SequenceModeling: nn.Module
    Prediction: nn.Linear
    width_multiple = WIDTH_MULTIPLE

    @abstractmethod
    def _whole(self, images: Tensor) -> Tensor:
        """Bring pictures to a width that is a multiple of `width_multiple` and gives as many time steps."""

    def _alone(self, images: Tensor) -> Tensor:
        """Return what the convolutions read of pictures without lengths."""
        return self._whole(images)

    @abstractmethod
    def _columns(self, lengths: Tensor) -> Tensor:
        """Return the columns of pixels, a multiple of `width_multiple`, that time steps are made of."""

    @abstractmethod
    def _steps(self, features: Tensor, columns: Tensor | None) -> Tensor:
        """Lay a feature map [B, C, h, w] out in time, [B, T, C]; `columns` are those of each sample, in pixels."""

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score pictures.

        Args:
            images: normalised, float [B, input_channels, H, W].
            lengths: int [B], best on the CPU: time steps of each picture's own width, the rest is padding. Without
                them the whole width is read.

        Returns:
            logits [B, T, classes] with T = output_length(W). Beyond a sample's length they are 0 and mean nothing.

        Raises:
            ValueError: the size of the pictures or a length is impossible.
        """
        self._check(images)
        if lengths is None:
            return self._read(self._alone(images))
        steps = self.output_length(images.shape[3])
        lengths = lengths.to("cpu", torch.int64)
        if lengths.shape != images.shape[:1] or lengths.min() < 1 or lengths.max() > steps:
            raise ValueError(f"lengths must be {len(images)} numbers from 1 to {steps}, got {lengths.tolist()}")
        images = self._whole(images)
        if lengths.min() == steps:  # Nothing is padded, so there is nothing to blank and to pack.
            return self._read(images)
        columns = self._columns(lengths).to(images.device, non_blocking=images.is_cuda)
        features = self._steps(self.FeatureExtraction(images, columns), columns)
        # Sorted here: `pack_padded_sequence` would wait for the device to copy the order there, and again to fetch it.
        lengths, order = lengths.sort(descending=True)
        features = features.index_select(0, order.to(images.device, non_blocking=images.is_cuda))
        packed = self.SequenceModeling(pack_padded_sequence(features, lengths, True))
        scores = with_data(packed, self.Prediction(packed.data))
        scores, _ = pad_packed_sequence(scores, True, total_length=steps)
        return scores.index_select(0, order.argsort().to(images.device, non_blocking=images.is_cuda))

    def _read(self, images: Tensor) -> Tensor:
        return self.Prediction(self.SequenceModeling(self._steps(self.FeatureExtraction(images), None)))

    def _check(self, images: Tensor) -> None:
        if torch.jit.is_tracing():  # Sizes are values of the traced program there, not numbers to decide by.
            return
        _, channels, height, width = images.shape
        if channels != self.input_channels:
            raise ValueError(f"the network reads {self.input_channels} channels, the pictures have {channels}")
        if height != (self.input_height or height) or height < 32:
            raise ValueError(
                f"the network reads pictures {self.input_height or '32 or more'} pixels high, not {height}"
            )
        if width < self.minimum_width:
            raise ValueError(f"the network reads pictures of {self.minimum_width} pixels width and more, not {width}")


class BidirectionalLSTM(nn.Module):
    """A BiLSTM and a linear layer that joins its two directions: [B, T, input_size] -> [B, T, output_size].

    A `PackedSequence` gives a `PackedSequence`.

    Args:
        input_size: features of a time step.
        hidden_size: units of each direction.
        output_size: features that come out; None leaves the linear layer out and gives 2 * hidden_size.
        dropout: share of the incoming features that training drops.
    """

    def __init__(self, input_size: int, hidden_size: int, output_size: int | None, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.rnn = nn.LSTM(input_size, hidden_size, bidirectional=True, batch_first=True)
        self.linear = nn.Identity() if output_size is None else nn.Linear(2 * hidden_size, output_size)

    def forward(self, x: Tensor | PackedSequence) -> Tensor | PackedSequence:
        """Map features, float [B, T, C], C = `input_size`, to C = `output_size`; a packed sequence to another one."""
        if isinstance(x, PackedSequence):
            y = self._recur(with_data(x, self.dropout(x.data)))
            return with_data(y, self.linear(y.data))
        return self.linear(self._recur(self.dropout(x)))

    def _recur(self, x: Tensor | PackedSequence) -> Tensor | PackedSequence:
        """Run the LSTM in the precision of its weights: under autocast cuDNN's computes in float16, even where bfloat16
        is asked for, and without loss scaling most of its gradients would underflow."""
        packed = isinstance(x, PackedSequence)
        features = x.data if packed else x
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.rnn.weight_ih_l0.dtype)
            if not packed:
                return self.rnn(features)[0]
            x = with_data(x, features)
            return read_padded(self.rnn, x) if features.device.type == "cpu" else self.rnn(x)[0]


def read_padded(rnn: nn.LSTM, packed: PackedSequence) -> PackedSequence:
    """Return what a bidirectional LSTM of one layer makes of sequences, twice as fast on a CPU.

    Of a `PackedSequence` torch computes one time step after the other there; whole tensors go to oneDNN. From left to
    right the padding comes after everything that counts. From right to left each sequence is read turned round within
    its own length, and so begins with its last step, as it does packed.
    """
    # Without the indices the samples stay in the order of their lengths.
    x, lengths = pad_packed_sequence(PackedSequence(packed.data, packed.batch_sizes), True)
    steps = torch.arange(x.shape[1])
    turn = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)[..., None]
    turned = x.gather(1, turn.expand_as(x))
    start = x.new_zeros(1, x.shape[0], rnn.hidden_size)
    forwards, backwards = (
        torch.lstm(sequences, (start, start), weights, True, 1, 0.0, rnn.training, False, True)[0]
        for sequences, weights in ((x, _weights(rnn, "_l0")), (turned, _weights(rnn, "_l0_reverse")))
    )
    y = torch.cat((forwards, backwards.gather(1, turn.expand_as(backwards))), dim=2)
    return with_data(packed, pack_padded_sequence(y, lengths, True).data)


def _weights(rnn: nn.LSTM, direction: str) -> list[Tensor]:
    return [getattr(rnn, name + direction) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]


class ConvNetFeatures(nn.Module):
    """Convolutions, batch norms, rectifiers and poolings one after the other.

    Args:
        layers: the poolings divide the width by their stride and all of them together by `WIDTH_MULTIPLE`.
    """

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.ConvNet = nn.Sequential(*layers)

    def forward(self, images: Tensor, columns: Tensor | None = None) -> Tensor:
        """Compute the feature map.

        Args:
            images: float [B, C, H, W].
            columns: int64 [B], the width of each sample in pixels: padded convolutions read zeros beyond it. None
                where no sample is padded.

        Returns:
            float [B, C, h, w], the feature map; w is W / 4 in most networks.
        """
        if columns is None:
            return self.ConvNet(images)
        x = images
        for layer in self.ConvNet:
            if isinstance(layer, nn.Conv2d) and layer.padding[1]:
                x = blank_beyond(x, columns)
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                columns = columns // layer.stride[1]
        return x


def blank_beyond(x: Tensor, columns: Tensor | None) -> Tensor:
    """Return feature maps [B, C, H, W] with zeros from column `columns[b]` on; unchanged without `columns`."""
    if columns is None:
        return x
    beyond = torch.arange(x.shape[3], device=x.device) >= columns[:, None]
    return torch.where(beyond[:, None, None], 0.0, x)


def with_data(packed: PackedSequence, data: Tensor) -> PackedSequence:
    """Return a packed sequence with other features, float [N, C], for its N time steps of all samples together."""
    return PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
