"""Pictures whose file names hold their labels: TextRecognitionDataGenerator's, and CAPTCHAs."""

from __future__ import annotations

import os
import re

from config.errors import UserError
from config.schema.word_crops import CaptchaWords, ListedWords, TrdgWords
from data.readers.listing import IMAGE_SUFFIXES, subfolder, visible_files
from data.recognition.readers.file_words import FileWords, WordList

_TRDG = {
    "label_number": (re.compile(r"(.+)_[0-9]+", re.DOTALL), "LABEL_NUMBER"),
    "number_label": (re.compile(r"[0-9]+_(.+)", re.DOTALL), "NUMBER_LABEL"),
}


def open_trdg(config: TrdgWords) -> FileWords:
    """Open a folder of TRDG's first or second form. Samples come in natural order; see `open_captcha`."""
    form, wanted = _TRDG[config.names]
    return _open(config, form, f"word: its file name is not {wanted}")


def open_captcha(config: CaptchaWords) -> FileWords:
    """Open a folder of pictures whose stems are their labels. Samples come in natural order.

    Raises:
        UserError: there is no such folder, nothing in it, or `select` or `part` takes nothing of it.
    """
    return _open(config, re.compile("(.+)", re.DOTALL), "word: its file name is empty")


def _open(config: ListedWords, form: re.Pattern[str], fault: str) -> FileWords:
    folder = subfolder(config.root, config.images, "images")
    words = WordList(folder, listed=True)
    names = visible_files(folder, IMAGE_SUFFIXES)
    if not names:
        raise UserError(f"{folder}: holds no images; set the dataset's `images` to the folder that does")
    for name in names:
        match = form.fullmatch(os.path.splitext(name)[0])
        if match is None:
            words.report.drop(fault, name)
        else:
            words.add(name, match[1], name)
    return words.reader(config)
