"""The initial weights of a recogniser, and loading a recogniser from a file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NamedTuple

import torch

from config.errors import UserError
from config.schema.model import RecognizerModel
from config.schema.recognition import RecognitionConfig
from data.recognition.alphabet import Alphabet
from data.recognition.preprocess import WordPreprocess
from model.head import Head
from model.recognizer import Recognizer
from model.registry import build_recognizer
from utils.decode.words import make_head
from utils.device import memory_format
from utils.weights.alphabet_transfer import load_for_alphabet
from utils.weights.files import load_into, read_file, state_dict_of

log = logging.getLogger(__name__)


def load_initial_weights(model: Recognizer, config: RecognitionConfig, head: Head) -> None:
    """Load `train.ckpt_path`, if given; the weights of characters that both alphabets have are kept.

    Raises:
        UserError: the file cannot be read or does not fit.
    """
    path = config.train.ckpt_path
    if path is None:
        log.info("starting from random weights")
        return
    content = read_file(path)
    if config.train.ckpt_prediction == "new":
        current = model.state_dict()
        weights = {
            name: current[name] if name in model.class_parameters else value
            for name, value in state_dict_of(content, path).items()
        }
        load_into(model, weights, path)
        log.info("starting from the weights of %s, except the last layer, which starts at random", path)
        return
    given = config.train.ckpt_characters
    old = Alphabet(given) if given is not None else stored_alphabet(content)
    transfer = load_for_alphabet(model, state_dict_of(content, path), path, head.alphabet, old, head.specials)
    log.info("starting from the weights of %s; its alphabet:\n%s", path, transfer)


def stored_alphabet(content: Any) -> Alphabet | None:
    """Return the alphabet of a checkpoint of this project; None for a file of weights alone."""
    config = content.get("config") if isinstance(content, dict) else None
    characters = config.get("characters") if isinstance(config, dict) else None
    return Alphabet(characters) if isinstance(characters, str) and characters else None


class LoadedRecognizer(NamedTuple):
    """A recogniser in eval mode, with its head and the preprocessing it was trained with."""

    model: Recognizer
    head: Head
    preprocess: WordPreprocess


def load_recognizer(
    path: str | Path, config: RecognitionConfig, device: torch.device, *, content: Any = None
) -> LoadedRecognizer:
    """Return the recogniser of a file of weights, with the averaged weights if the file has them.

    Network, alphabet and preprocessing are those of the checkpoint, or those of `config` for a file of weights alone.

    Args:
        path: the file.
        config: the job, for settings that the file does not hold.
        device: device of the recogniser.
        content: what `read_file` returned, if the file has been read already.

    Raises:
        UserError: the file is missing, is no file of weights, or does not fit.
    """
    content = read_file(path) if content is None else content
    settings, alphabet = config.model, Alphabet(config.characters)
    preprocess = WordPreprocess.of(config.train.data)
    if isinstance(content, dict) and content.get("task") not in (None, "recognition"):
        raise UserError(f"{path} is a checkpoint of the task '{content['task']}', but a recogniser is needed here")
    stored = stored_alphabet(content)
    if stored is not None:
        if stored != alphabet:
            log.warning("%s was trained with another alphabet, which is used: %s", path, stored.visible())
        alphabet = stored
        settings = RecognizerModel.model_validate(content["config"]["model"])
        preprocess = WordPreprocess.from_state(content["preprocess"])
    head = make_head(settings, alphabet)
    model, state = build_recognizer(settings, head.num_class), state_dict_of(content, path)
    rows = state.get(model.class_parameters[0])
    if rows is not None and rows.dim() == 2 and len(rows) != head.num_class:
        raise UserError(
            f"{path} scores {len(rows) - len(head.specials)} characters and {' and '.join(head.specials)}, and "
            f"`characters` has {len(alphabet)}: give the characters that it was trained with, in their order"
        )
    load_into(model, state, path)
    return LoadedRecognizer(model.placed(device, memory_format(device)).eval(), head, preprocess)
