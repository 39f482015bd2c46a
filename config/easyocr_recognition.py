"""Reads the YAML file of EasyOCR's recognition trainer (`en_filtered_config.yaml`) as it is.

Such a file is recognised by keys that only it has, and turned into the native settings before validation. A key that
means nothing here any more is accepted and named in one warning; a key that never meant anything is an error, as
everywhere.

What is otherwise here than there: labels that the alphabet cannot write, or that are too long, are left out there
without a word; here as many may be left out (`max_dropped: 1`), and they are counted in the log. Weights must fit in
either setting of `FT`; of another alphabet, what the two share is kept (`train.ckpt_characters`).
"""

from __future__ import annotations

import re
from pathlib import Path as FilePath
from typing import Any

from config.easyocr_recognition_keys import (
    BEAM_WIDTH,
    CHARACTERS,
    FROZEN,
    KNOWN,
    MARKS,
    MOVED,
    ONLY_VALUE,
    OPTIMIZER_CONSTANTS,
    SWITCHES,
)
from config.easyocr_translation import Translation
from config.errors import UserError, nearest
from config.explain import show
from config.origins import Origins
from config.schema.recognition import RecognitionConfig
from config.select_data import parse_names, parse_ratios

VALIDATION = "validation"
"""Name of the evaluation that `valid_data` becomes."""


def is_easyocr(data: dict[str, Any]) -> bool:
    """Tell whether these settings are written for EasyOCR's trainer; a file with a `task` never is."""
    return "task" not in data and len(MARKS & set(data)) > 1


def knows(path: tuple[str, ...]) -> bool:
    """Tell whether an override's path is one of EasyOCR's keys, or lies inside one."""
    return path[0] in KNOWN


def translate(data: dict[str, Any], origins: Origins) -> tuple[dict[str, Any], Origins]:
    """Turn EasyOCR's settings into native ones.

    Args:
        data: the parsed file, with the overrides that use EasyOCR's keys.
        origins: where each value was written.

    Returns:
        The native settings, not yet validated, and the origins by their paths there.

    Raises:
        UserError: on a key or a value that EasyOCR's trainer does not have.
    """
    translation = _Translation(data, origins)
    translation.run()
    return translation.finish()


class _Translation(Translation):
    """A file of the recognition trainer; its keys have no sections."""

    def __init__(self, data: dict[str, Any], origins: Origins) -> None:
        super().__init__("recognition", origins, Origins({(): origins.entries[()]}))
        for key in data:
            if key not in KNOWN:
                raise self.unknown(key)
        self.hold(((key,), value) for key, value in data.items())

    def run(self) -> None:
        for key, allowed in ONLY_VALUE.items():
            self.only(key, allowed)
        self.put("model.architecture", "vgg_bilstm_ctc")
        for theirs, ours in MOVED.items():
            if (theirs,) in self.values:
                self.put(ours, self.take(theirs), theirs)
        for theirs, (ours, meanings) in SWITCHES.items():
            value = self.switch(theirs)
            if value is not None:
                self.put(ours, meanings[value], theirs)
        self.characters()
        self.training_data()
        self.validation()
        self.weights()
        self.optimizer()
        self.pictures()

    def characters(self) -> None:
        if not any((key,) in self.values for key in CHARACTERS):
            return
        if self.values.get(("lang_char",)) == "None":
            raise self.fail(
                "lang_char",
                "is 'None', for which EasyOCR collects the characters of all labels; write them down, each once: "
                "number, symbol and lang_char together are the alphabet",
            )
        alphabet = ""
        for key in CHARACTERS:
            for character in self.text(key) or "":
                if character in alphabet:
                    together = "number, symbol and lang_char together are the alphabet"
                    raise self.fail(key, f"has the character '{character}' a second time; {together}")
                alphabet += character
        written = [key for key in CHARACTERS if (key,) in self.values]
        self.put("characters", alphabet, written[-1])

    def training_data(self) -> None:
        if self.switch("data_filtering_off"):
            self.put("max_length", None, "data_filtering_off")  # not by their length neither
        elif ("batch_max_length",) in self.values:
            self.put("max_length", self.take("batch_max_length"), "batch_max_length")
        if ("batch_size",) in self.values:
            self.put("train.batch_size", self.take("batch_size"), "batch_size")
        root, selected = self.text("train_data"), self.take("select_data")
        if root is None:
            if selected is not None:
                raise self.fail("select_data", "needs train_data, the folder that these folders are in")
            return
        ratios = self.ratios()
        names = self.names(root, selected, None if ratios is None else len(ratios))
        for number, name in enumerate(names):
            section = f"train.datasets.{number}"
            source = "train_data" if selected is None else "select_data"
            self.put(f"{section}.format", "labels_csv", source)
            self.put(f"{section}.root", root if name == "/" else f"{root.rstrip('/')}/{name}", source)
            self.put(f"{section}.max_dropped", 1.0)
        if ratios is not None:
            self.put("train.batch_ratio", ratios, "batch_ratio")
            size, total = self.values.get(("batch_size",)), sum(ratios)
            # There each dataset gives its share of batch_size, whatever the shares add up to.
            if isinstance(size, int) and size > 0 and abs(total - 1) > 1e-3:
                self.put("train.batch_size", max(1, round(size * total)), "batch_size")

    def ratios(self) -> list[float] | None:
        written = self.take("batch_ratio")
        if written is None:
            return None
        if isinstance(written, int | float) and not isinstance(written, bool):
            written = [written]
        plain = isinstance(written, list) and all(type(one) in (int, float) for one in written)
        if not (plain or isinstance(written, str)):
            raise self.fail("batch_ratio", f"is {show(written)}; write numbers parted by '-', such as '0.5-0.5'")
        try:
            return parse_ratios(written, written.count("-") + 1 if isinstance(written, str) else len(written))
        except UserError as mistake:
            raise UserError(f"{self.origins.find(('batch_ratio',)).place}: {mistake}") from None

    def names(self, root: str, selected: Any, sets: int | None) -> list[str]:
        """Names of the folders in `train_data`; `/` is all that lies in it."""
        if selected is None:
            return ["/"]
        plain = isinstance(selected, list) and selected and all(isinstance(one, str) and one for one in selected)
        if not (plain or (isinstance(selected, str) and "" not in selected.split("-"))):
            raise self.fail("select_data", f"is {show(selected)}; write names of folders parted by '-', such as MJ-ST")
        if sets is None:
            return selected.split("-") if isinstance(selected, str) else selected
        try:
            return parse_names(selected, sets, lambda name: (FilePath(root) / name).is_dir())
        except UserError as mistake:
            raise UserError(f"{self.origins.find(('select_data',)).place}: {mistake}") from None

    def validation(self) -> None:
        decode, root = self.take("decode"), self.text("valid_data")
        if decode not in (None, "greedy", "beamsearch"):
            raise self.fail("decode", f"is {show(decode)}, but must be 'greedy' or 'beamsearch'")
        if root is None:
            return
        section = f"test.{VALIDATION}"
        self.put(f"{section}.dataset.format", "labels_csv", "valid_data")
        self.put(f"{section}.dataset.root", root, "valid_data")
        self.put("train.validation", VALIDATION)
        if decode == "beamsearch":
            self.put(f"{section}.decode", "beam", "decode")
            self.put(f"{section}.beam_width", BEAM_WIDTH)

    def weights(self) -> None:
        path = self.text("saved_model")
        if path == "None":
            path = None
        if path is not None:
            self.put("train.ckpt_path", path, "saved_model")
            # A run goes on from the iteration that the file's name ends in.
            number = re.search(r"_([0-9]+)(?:\.[^_/]*)?\Z", path)
            if number is not None:
                self.put("train.st_iter", int(number[1]), "saved_model")
        if self.values.get(("FT",)) is not True or path is None:
            self.switch("FT")
        frozen = [part for key, part in FROZEN.items() if self.switch(key)]
        if frozen:
            self.put("model.freeze", list(dict.fromkeys(frozen)), next(key for key in FROZEN if self.switch(key)))

    def optimizer(self) -> None:
        wanted = self.take("optim")
        if wanted not in (None, False, "", "adadelta", "adam"):
            raise self.fail("optim", f"is {show(wanted)}, but must be false (Adadelta) or 'adam'")
        name = wanted or "adadelta"
        self.put("train.optimizer", name, "optim" if ("optim",) in self.values else None)
        for optimizer, constants in OPTIMIZER_CONSTANTS.items():
            for key, constant in constants.items():
                if optimizer != name or self.values.get((key,)) == constant:
                    self.take(key)

    def pictures(self) -> None:
        colour = self.switch("rgb")
        if colour is not None:
            self.put("train.data.channels", 3 if colour else 1, "rgb")
        channels = self.take("input_channel")
        if colour:
            self.put("model.input_channel", 3, "rgb")
        elif channels is not None:
            self.put("model.input_channel", channels, "input_channel")
        contrast = self.take("contrast_adjust")
        if contrast is not None:
            self.put("train.data.contrast_adjust", 0.0 if contrast is False else contrast, "contrast_adjust")

    def text(self, key: str) -> str | None:
        """Take a text; null where it is empty."""
        value = self.take(key)
        if value is not None and not isinstance(value, str):
            raise self.fail(key, f"is {show(value)}, but must be text; put it in quotes")
        return value or None

    def unknown(self, key: str) -> UserError:
        similar = next((known for known in KNOWN if known.lower() == key.lower()), None) or nearest(key, KNOWN)
        hint = f"did you mean '{similar}'?" if similar else "remove it"
        return self.no_key((key,), "EasyOCR's recognition trainer", RecognitionConfig, hint)
