"""Training only some parts of a recogniser, for fine-tuning on little data."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from model.recognizer import Recognizer

log = logging.getLogger(__name__)


def freeze(model: Recognizer, parts: Sequence[str]) -> int:
    """Freeze `parts` of `model`: they get no gradient and stay in eval mode, even after `train()`.

    Eval mode keeps the running statistics of batch norms and switches dropout off. Copies of the model stay frozen,
    too. Recurrent layers are an exception and follow `train()` (see `Recognizer.train`). Parts that were frozen before
    and are not in `parts` are trained again.

    Args:
        model: the network, with its weights loaded.
        parts: names of some of its children, such as `FeatureExtraction`, verified by `check_fits`; an empty list
            freezes nothing.

    Returns:
        The number of parameters that are still trained.
    """
    for name, part in model.named_children():
        part.requires_grad_(name not in parts)
    model.frozen = tuple(dict.fromkeys(parts))
    model.train(model.training)
    total = sum(parameter.numel() for parameter in model.parameters())
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    if parts:
        log.info("%s frozen: %s of %s parameters are trained", " and ".join(model.frozen), f"{trained:,}", f"{total:,}")
    return trained
