"""Training only some parts of a recogniser, for fine-tuning on little data."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from model.recognizer import Recognizer

log = logging.getLogger(__name__)


def freeze(model: Recognizer, parts: Sequence[str]) -> int:
    """Keep `parts` of `model` as they are: no gradient, and eval mode whatever `train()` says.

    The eval mode keeps the averages of batch norms from following the new data, and switches dropout off there. It is
    kept in copies of the model, too. Recurrent layers alone follow `train()` (see `Recognizer.train`). What was frozen
    before and is not named now is trained again.

    Args:
        model: with its weights loaded, for a random start would stay one.
        parts: names of some of its children, such as `FeatureExtraction`, which `check_fits` has looked up; none
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
