"""Loading a detector and a recogniser with the settings of their validation."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ValidationError

from config.errors import UserError
from config.loader import load_config
from config.schema.detection import DetectionConfig, DetectionTest
from config.schema.recognition import RecognitionConfig, RecognitionTest
from config.schema.run import validation_entry
from config.schema.word_crops import CutWords
from data.recognition.alphabet_filter import LabelRule
from utils.decode.words import WordDecoding, open_lexicon
from utils.device import resolve_amp
from utils.evaluate.recognizer import WordReading
from utils.predict.options import DETECTION_SETTINGS
from utils.predict.steps import BoxReading, Detecting
from utils.run.checkpoint import load_detector
from utils.weights.files import read_file, state_dict_of
from utils.weights.recognizer import load_recognizer, stored_alphabet

log = logging.getLogger(__name__)

_WIDEST, _WIDEST_CHANNELS = "basenet.slice5.1.weight", 1024
"""The layer of CRAFT with the most channels, and their number at width 1: rounding has the least effect on it."""


def open_detector(path: str, device: torch.device, amp: str | None, settings: Mapping[str, Any]) -> Detecting:
    """Load a detector.

    Args:
        path: a checkpoint, which holds the width of its network and the settings of its validation; or weights alone,
            which are used with the defaults of `config.schema.detection.DetectionTest`.
        device: where it is to run.
        amp: precision; None uses that of the checkpoint's run.
        settings: some of `DETECTION_SETTINGS`, which replace those of the checkpoint.

    Raises:
        UserError: the file is missing, is no detector, or a setting is out of range.
    """
    content = read_file(path)
    state = state_dict_of(content, path)
    run = _run_of(content)
    if _reads(content, state) or not _detects(content, state):
        kind = "a recogniser; give it with --recognizer" if _reads(content, state) else "no detector of this project"
        raise UserError(f"{path}: --detector names {kind}")
    name, stored = _validation_of(run)
    values = {key: stored[key] for key in DETECTION_SETTINGS if key in stored}
    test = _detection_test(path, values, settings)
    network = run.get("model") or {"width": state[_WIDEST].shape[0] / _WIDEST_CHANNELS}
    preprocess = content.get("preprocess", {}) if isinstance(content, Mapping) else {}
    try:
        config = DetectionConfig.model_validate({"model": network, "train": {"data": preprocess}} | _amp_of(run, amp))
    except ValidationError as fault:
        raise UserError(f"{path}: {_first(fault)}; it was written by another version of this program") from fault
    model, fitting = load_detector(path, config, device, content=content)
    origin = f"`test.{name}` of its run" if stored else "the defaults, for its file has none"
    shown = ", ".join(f"{key} {getattr(test, key)}" for key in DETECTION_SETTINGS)
    log.info("detector %s: %s (%s%s)", path, shown, origin, ", and the command line" if settings else "")
    upright = stored.get("dataset", {}).get("exif_orientation") == "apply"
    return Detecting(model, fitting, test, device, resolve_amp(config.amp, device), upright)


def open_recognizer(
    path: str, device: torch.device, amp: str | None, *, yaml: str | None, decode: str | None, lexicon: str | None
) -> BoxReading:
    """Load a recogniser.

    Args:
        path: a checkpoint, which holds network, alphabet, preprocessing and the way its validation read and cut words;
            or weights alone, which need `yaml`.
        device: where it is to run.
        amp: precision; None uses that of the checkpoint's run.
        yaml: configuration of the recogniser, for weights alone.
        decode: `greedy` or `beam`; None uses the decoding of its validation.
        lexicon: file of the words that may be read, or None.

    Raises:
        UserError: a file is missing or of another kind.
    """
    content = read_file(path)
    state = state_dict_of(content, path)
    if not _reads(content, state):
        kind = "a detector; give it with --detector" if _detects(content, state) else "no recogniser of this project"
        raise UserError(f"{path}: --recognizer names {kind}")
    alphabet = stored_alphabet(content)
    if alphabet is not None:
        if yaml is not None:
            log.warning("--yaml %s is ignored: %s holds all settings that are needed", yaml, path)
        run = _run_of(content)
        config = RecognitionConfig.model_validate({"characters": run["characters"]} | _amp_of(run, amp))
    elif yaml is None:
        raise UserError(
            f"{path} holds weights alone, without their alphabet and preprocessing: name the YAML that they were "
            "trained with by --yaml"
        )
    else:
        config = load_config(yaml, () if amp is None else [f"amp={amp!r}"], "recognition")
        run = config.model_dump(mode="json")
    model, head, preprocess = load_recognizer(path, config, device, content=content)
    entry = _validation_of(run)[1]
    fields = RecognitionTest.model_fields
    decoding, beam_width, batch_size = (
        entry.get(key, fields[key].default) for key in ("decode", "beam_width", "batch_size")
    )
    words = None
    if lexicon is not None:
        rule = LabelRule(head.alphabet, run.get("case", "keep"), run.get("unknown", "drop"))
        words = open_lexicon(lexicon, head.alphabet, rule.fold)
    elif entry.get("lexicon"):
        log.warning("its validation used the lexicon %s; use --lexicon to do the same here", entry["lexicon"])
    how = WordDecoding(head, decode or decoding, beam_width, words)
    reading = WordReading(model, preprocess, device, resolve_amp(config.amp, device), how)
    log.info("recogniser %s: %d characters, %s", path, len(head.alphabet), how)
    return BoxReading(reading, batch_size, **_cutting(run))


def _validation_of(run: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return name and settings of the `test` entry that a run was validated with, else of its first one.

    Args:
        run: a configuration as plain values; both are empty where it has no entry.
    """
    tests = run.get("test") or {}
    name = validation_entry((run.get("train") or {}).get("validation"), tests)
    if name not in tests:
        name = next(iter(tests), "")
    return name, tests.get(name, {})


def _detection_test(path: str, stored: Mapping[str, Any], given: Mapping[str, Any]) -> DetectionTest:
    # The dataset is a required key of an evaluation, but it is not opened here.
    dataset = {"format": "icdar2015", "root": "."}
    try:
        return DetectionTest.model_validate({"dataset": dataset, **stored, **given})
    except ValidationError as fault:
        key = str(fault.errors()[0]["loc"][0])
        place = f"--{key.replace('_', '-')} {given[key]}" if key in given else f"{path}, {key}"
        raise UserError(f"{place}: {fault.errors()[0]['msg'].lower()}") from fault


def _cutting(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return `vertical` and `margin` of the cut words of a run: of its validation, another test or its training."""
    entries = [_validation_of(run)[1], *(run.get("test") or {}).values()]
    datasets = [entry.get("dataset", {}) for entry in entries] + list((run.get("train") or {}).get("datasets", []))
    cut: Mapping[str, Any] = next((dataset for dataset in datasets if dataset.get("format") == "crops"), {})
    return {key: cut.get(key, CutWords.model_fields[key].default) for key in ("vertical", "margin")}


def _run_of(content: Any) -> Mapping[str, Any]:
    """Return the configuration in a checkpoint of ours; nothing for a file of weights alone."""
    config = content.get("config") if isinstance(content, Mapping) else None
    return config if isinstance(config, Mapping) else {}


def _amp_of(run: Mapping[str, Any], given: str | None) -> dict[str, Any]:
    amp = given or run.get("amp")
    return {} if amp is None else {"amp": amp}


def _task(content: Any) -> str | None:
    return content.get("task") if isinstance(content, Mapping) else None


def _reads(content: Any, state: Mapping[str, Any]) -> bool:
    """Tell whether a file holds a recogniser: it says so, or its last layer has the published name."""
    task = _task(content)
    return task == "recognition" if isinstance(task, str) else "Prediction.weight" in state


def _detects(content: Any, state: Mapping[str, Any]) -> bool:
    """Tell whether a file holds a detector: its run says so, or it has the widest layer of CRAFT."""
    return (_task(content) == "detection" and "model" in _run_of(content)) or _WIDEST in state


def _first(fault: ValidationError) -> str:
    error = fault.errors()[0]
    return f"{'.'.join(map(str, error['loc']))} of its configuration: {error['msg'].lower()}"
