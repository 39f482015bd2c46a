"""The base class of recognisers: a network that scores pictures of words, and a head that turns scores into text.

A new recogniser is a file in this folder, trained with CTC unless it names another `head`: see docs/extending.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from config.registry import Registry
from model.head import Head

RECOGNIZERS: Registry[type[Recognizer]] = Registry("recogniser", "model.architecture", package="model")


class Recognizer(nn.Module, ABC):
    """A network that scores the classes of characters along a picture of a word or a line.

    Its constructor takes the number of classes first, and those of `input_channel`, `output_channel`, `hidden_size`
    and `dropout` that it has a use for (see `config.schema.model`). Its keyword-only parameters are the options
    that a YAML sets under `model.architecture_options`.

    Attributes:
        head: classes, targets, loss and decoder; None is CTC's.
        class_parameters: names of the parameters and buffers with a row for each class, at least one: what is moved
            when the alphabet changes.
        input_channels: 1 for grey pictures, 3 for RGB.
        input_height: height of the pictures in pixels; None allows any height from 32 on.
        minimum_width: narrowest picture in pixels that gives a time step.
        width_multiple: a picture whose width is a multiple of this scores the same alone and padded. Of another one
            up to 3 pixels are cut off or up to 3 of its padding are seen, as the class says.
        frozen: names of the parts that stay in eval mode, see `utils.weights.freezing`.
        channels_last: whether the network may run in that layout.
    """

    head: ClassVar[type[Head] | None] = None
    class_parameters: ClassVar[tuple[str, ...]] = ("Prediction.weight", "Prediction.bias")
    input_channels: int
    input_height: int | None = None
    minimum_width: int = 1
    width_multiple: int = 1
    frozen: tuple[str, ...] = ()
    channels_last: bool = True

    @abstractmethod
    def output_length(self, width: Any) -> Any:
        """Return the time steps of pictures `width` pixels wide: an int, or an array or tensor of ints.

        It is the length of what the network makes of a picture's width: of the scores with CTC, of what is attended to
        in a network whose decoder writes one character after the other.
        """

    @abstractmethod
    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Score pictures.

        A head may pass more to its network in training, such as the text that a decoder is led by.

        Args:
            images: normalised, float [B, input_channels, H, W].
            lengths: int64 [B] on the CPU: `output_length` of each picture's own width, the rest is padding. Without
                them the whole width is read.

        Returns:
            logits [B, T, classes], as the head decodes them.
        """

    def placed(self, device: torch.device, layout: torch.memory_format) -> Recognizer:
        """Return the network on a device, in a memory layout if it may run in it. Training and prediction both use this
        method, because another layout gives other rounding."""
        return self.to(device, memory_format=layout if self.channels_last else torch.contiguous_format)

    def train(self, mode: bool = True) -> Recognizer:
        """Switch between training and eval mode. Frozen parts stay in eval mode, except recurrent layers without
        dropout: they compute the same in both modes, and cuDNN has no backward pass for them in eval mode."""
        super().train(mode)
        for name in self.frozen:
            for layer in self.get_submodule(name).eval().modules():
                if isinstance(layer, nn.RNNBase) and not layer.dropout:
                    layer.train(mode)
        return self
