"""The random initial weights of the recognisers, as in the published networks."""

from __future__ import annotations

from torch import nn


def initialise_published(module: nn.Module) -> None:
    """Initialise as deep-text-recognition-benchmark does: Kaiming-normal weights, of the LSTMs too, and no biases."""
    for name, parameter in module.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif parameter.dim() > 1:
            nn.init.kaiming_normal_(parameter)
        else:
            nn.init.ones_(parameter)


def initialise_keras(module: nn.Module) -> None:
    """Initialise as mltu and Keras do: He-uniform convolutions, Glorot-uniform input weights, orthogonal recurrent
    weights, and biases of 0, except 1 at the forget gates of LSTMs."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.LSTM):
            for name, parameter in layer.named_parameters():
                if name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(parameter)
                elif name.startswith("weight_hh"):
                    nn.init.orthogonal_(parameter)
                else:
                    nn.init.zeros_(parameter)
                    if name.startswith("bias_ih"):
                        forget = slice(layer.hidden_size, 2 * layer.hidden_size)
                        nn.init.ones_(parameter[forget])
