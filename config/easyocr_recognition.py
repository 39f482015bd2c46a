"""The YAML file of EasyOCR's recognition trainer: `en_filtered_config.yaml`.

What is otherwise here than there: labels that the alphabet cannot write, or that are too long, are left out there
without a word; here as many may be left out (`max_dropped: 1`), and they are counted in the log. Weights must fit in
either setting of `FT`; of another alphabet, what the two share is kept (`train.ckpt_characters`).
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any

from config.easyocr_rules import Dialect, Handled, Ignored, Moved, Rule
from config.easyocr_translation import Translation
from config.errors import UserError
from config.explain import show
from config.schema.recognition import RecognitionConfig
from config.select_data import parse_names, parse_ratios

REPEATED = frozenset({"contrast_adjust"})
"""Keys that EasyOCR's own file gives twice."""

_VALIDATION = "validation"
"""Name of the evaluation that `valid_data` becomes."""

_BEAM_WIDTH = 2
"""Hypotheses of the trainer's beam search."""

_ARCHITECTURE = {
    "Transformation": "None",
    "FeatureExtraction": "VGG",
    "SequenceModeling": "BiLSTM",
    "Prediction": "CTC",
}
"""The parts of the one architecture that such a file may name."""

_CHARACTERS = ("number", "symbol", "lang_char")
"""Texts that together are the alphabet, in this order."""

_FROZEN = {
    "freeze_FeatureFxtraction": "FeatureExtraction",
    "freeze_FeatureExtraction": "FeatureExtraction",
    "freeze_SequenceModeling": "SequenceModeling",
}
"""Switches that freeze a part; the first is how EasyOCR spells it."""

_OPTIMIZER_CONSTANTS = {"adadelta": {"rho": 0.95, "eps": 1e-8}, "adam": {"beta1": 0.9}}
"""What the optimisers have here; another value is ignored with a warning."""


def _architecture(file: Translation) -> None:
    for key, value in _ARCHITECTURE.items():
        file.only(key, value)
    file.put("model.architecture", "vgg_bilstm_ctc")


def _characters(file: Translation) -> None:
    if not any(file.has(key) for key in _CHARACTERS):
        return
    if file.get("lang_char") == "None":
        raise file.fail(
            "lang_char",
            "is 'None', for which EasyOCR collects the characters of all labels; write them down, each once: "
            "number, symbol and lang_char together are the alphabet",
        )
    alphabet = ""
    for key in _CHARACTERS:
        for character in file.text(key) or "":
            if character in alphabet:
                together = "number, symbol and lang_char together are the alphabet"
                raise file.fail(key, f"has the character '{character}' a second time; {together}")
            alphabet += character
    written = [key for key in _CHARACTERS if file.has(key)]
    file.put("characters", alphabet, written[-1])


def _label_filter(file: Translation) -> None:
    everything = file.switch("data_filtering_off")
    if everything is not None:
        file.put("unknown", "remove" if everything else "drop", "data_filtering_off")
    if everything:
        file.put("max_length", None, "data_filtering_off")
    elif file.has("batch_max_length"):
        file.put("max_length", file.take("batch_max_length"), "batch_max_length")


def _training_data(file: Translation) -> None:
    if file.has("batch_size"):
        file.put("train.batch_size", file.take("batch_size"), "batch_size")
    root, selected = file.text("train_data"), file.take("select_data")
    if root is None:
        if selected is not None:
            raise file.fail("select_data", "needs train_data, the folder that these folders are in")
        return
    ratios = _ratios(file)
    names = _names(file, root, selected, None if ratios is None else len(ratios))
    for index, name in enumerate(names):
        section = f"train.datasets.{index}"
        source = "train_data" if selected is None else "select_data"
        file.put(f"{section}.format", "labels_csv", source)
        file.put(f"{section}.root", root if name == "/" else f"{root.rstrip('/')}/{name}", source)
        file.put(f"{section}.max_dropped", 1.0)
    if ratios is not None:
        file.put("train.batch_ratio", ratios, "batch_ratio")
        size, total = file.get("batch_size"), sum(ratios)
        # There each dataset gives its share of batch_size, whatever the shares add up to.
        if isinstance(size, int) and size > 0 and abs(total - 1) > 1e-3:
            file.put("train.batch_size", max(1, round(size * total)), "batch_size")


def _ratios(file: Translation) -> list[float] | None:
    written = file.take("batch_ratio")
    if written is None:
        return None
    if isinstance(written, int | float) and not isinstance(written, bool):
        written = [written]
    plain = isinstance(written, list) and all(type(ratio) in (int, float) for ratio in written)
    if not (plain or isinstance(written, str)):
        raise file.fail("batch_ratio", f"is {show(written)}; write numbers separated by '-', such as '0.5-0.5'")
    try:
        return parse_ratios(written, written.count("-") + 1 if isinstance(written, str) else len(written))
    except UserError as mistake:
        raise UserError(f"{file.origins.find(('batch_ratio',)).place}: {mistake}") from None


def _names(file: Translation, root: str, selected: Any, sets: int | None) -> list[str]:
    """Names of the folders in `train_data`; `/` is all that lies in it."""
    if selected is None:
        return ["/"]
    plain = isinstance(selected, list) and selected and all(isinstance(name, str) and name for name in selected)
    if not (plain or (isinstance(selected, str) and "" not in selected.split("-"))):
        raise file.fail("select_data", f"is {show(selected)}; write names of folders separated by '-', such as MJ-ST")
    if sets is None:
        return selected.split("-") if isinstance(selected, str) else selected
    try:
        return parse_names(selected, sets, lambda name: (FilePath(root) / name).is_dir())
    except UserError as mistake:
        raise UserError(f"{file.origins.find(('select_data',)).place}: {mistake}") from None


def _validation(file: Translation) -> None:
    decode, root = file.take("decode"), file.text("valid_data")
    if decode not in (None, "greedy", "beamsearch"):
        raise file.fail("decode", f"is {show(decode)}, but must be 'greedy' or 'beamsearch'")
    if root is None:
        return
    section = f"test.{_VALIDATION}"
    file.put(f"{section}.dataset.format", "labels_csv", "valid_data")
    file.put(f"{section}.dataset.root", root, "valid_data")
    file.put("train.validation", _VALIDATION)
    if decode == "beamsearch":
        file.put(f"{section}.decode", "beam", "decode")
        file.put(f"{section}.beam_width", _BEAM_WIDTH)


def _weights(file: Translation) -> None:
    path = file.text("saved_model")
    if path == "None":
        path = None
    if path is not None:
        file.put("train.ckpt_path", path, "saved_model")
        # A run goes on from the iteration that the file's name ends in.
        iteration = re.search(r"_([0-9]+)(?:\.[^_/]*)?\Z", path)
        if iteration is not None:
            file.put("train.st_iter", int(iteration[1]), "saved_model")
    if file.get("FT") is not True or path is None:
        file.switch("FT")
    frozen = [part for key, part in _FROZEN.items() if file.switch(key)]
    if frozen:
        file.put("model.freeze", list(dict.fromkeys(frozen)), next(key for key in _FROZEN if file.switch(key)))


def _optimizer(file: Translation) -> None:
    wanted = file.take("optim")
    if wanted not in (None, False, "", "adadelta", "adam"):
        raise file.fail("optim", f"is {show(wanted)}, but must be false (Adadelta) or 'adam'")
    name = wanted or "adadelta"
    file.put("train.optimizer", name, "optim" if file.has("optim") else None)
    for optimizer, constants in _OPTIMIZER_CONSTANTS.items():
        for key, constant in constants.items():
            if optimizer != name or file.get(key) == constant:
                file.take(key)


def _pictures(file: Translation) -> None:
    colour = file.switch("rgb")
    if colour is not None:
        file.put("train.data.channels", 3 if colour else 1, "rgb")
    channels = file.take("input_channel")
    if colour:
        file.put("model.input_channel", 3, "rgb")
    elif channels is not None:
        file.put("model.input_channel", channels, "input_channel")
    contrast = file.take("contrast_adjust")
    if contrast is not None:
        file.put("train.data.contrast_adjust", 0.0 if contrast is False else contrast, "contrast_adjust")


_RULES: dict[str, Rule] = {
    "experiment_name": Moved("name"),
    "manualSeed": Moved("seed"),
    "workers": Moved("train.num_workers"),
    "num_iter": Moved("train.end_iter"),
    "valInterval": Moved("train.eval_interval"),
    "lr": Moved("train.lr"),
    "grad_clip": Moved("train.grad_clip"),
    "total_data_usage_ratio": Moved("train.total_data_usage_ratio"),
    "imgH": Moved("train.data.height"),
    "imgW": Moved("train.data.max_width"),
    "output_channel": Moved("model.output_channel"),
    "hidden_size": Moved("model.hidden_size"),
    "sensitive": Moved("case", {True: "keep", False: "lower"}),
    "PAD": Moved("train.data.keep_ratio", {True: True, False: False}),
    "new_prediction": Moved("train.ckpt_prediction", {True: "new", False: "keep"}),
    **dict.fromkeys(_ARCHITECTURE, Handled(_architecture)),
    **dict.fromkeys(_CHARACTERS, Handled(_characters, "characters")),
    "data_filtering_off": Handled(_label_filter, "unknown"),
    "batch_max_length": Handled(_label_filter, "max_length"),
    "train_data": Handled(_training_data, "train.datasets"),
    "select_data": Handled(_training_data, "train.datasets"),
    "batch_ratio": Handled(_training_data),
    "batch_size": Handled(_training_data),
    "valid_data": Handled(_validation, "test"),
    "decode": Handled(_validation),
    "saved_model": Handled(_weights, "train.ckpt_path"),
    "FT": Handled(_weights),
    **dict.fromkeys(_FROZEN, Handled(_weights, "model.freeze")),
    "optim": Handled(_optimizer, "train.optimizer"),
    **{key: Handled(_optimizer) for constants in _OPTIMIZER_CONSTANTS.values() for key in constants},
    "rgb": Handled(_pictures, "train.data.channels"),
    "input_channel": Handled(_pictures),
    "contrast_adjust": Handled(_pictures),
    "num_fiducial": Ignored("it belongs to the TPS transformation, which is not here"),
}

_MARKS = {
    *("experiment_name", "train_data", "valid_data", "manualSeed", "valInterval", "num_iter", "select_data"),
    *("batch_max_length", "lang_char", "imgH", "imgW", *_ARCHITECTURE),
}
"""Keys that no other file has; one of them may be a slip, several are such a file."""

RECOGNITION = Dialect(
    "EasyOCR's recognition trainer", RecognitionConfig, _RULES, lambda data: len(_MARKS & set(data)) > 1
)
