"""Readers of pictures of words, one for each format of `config.schema.word_crops`.

To add a format: write its reader in a file here, add its section to `config.schema.word_crops.WordCrops`, and name both
in `OPENERS`. Formats of annotated images (`data.readers`) need nothing here: `crops` cuts their words out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from config.errors import UserError
from config.schema.base import DatasetBase
from config.schema.word_crops import (
    CaptchaWords,
    CutWords,
    GeneratedWords,
    GtTxtWords,
    JsonlWords,
    JsonWords,
    LabelsCsvWords,
    LmdbWords,
    MjsynthWords,
    TrdgWords,
    WordCrops,
    WordFiles,
)
from data.reader import UnreadableSample, check_dropped, choose_samples
from data.recognition.readers.forwarded import ChosenWords, JoinedWords
from data.recognition.readers.json_files import open_json, open_jsonl
from data.recognition.readers.lmdb_words import open_lmdb
from data.recognition.readers.mjsynth import open_mjsynth
from data.recognition.readers.stems import open_captcha, open_trdg
from data.recognition.readers.text_files import open_gt_txt, open_labels_csv
from data.recognition.sample import WordReader

__all__ = ["OPENERS", "open_word_sets", "open_words"]


def _open_cut_words(config: CutWords) -> WordReader:
    # Imported here, because only cutting needs torch.
    from data.recognition.readers.cut_words import open_cut_words

    return open_cut_words(config)


def _open_generated(config: GeneratedWords) -> WordReader:
    # Imported here, because its font and image libraries are needed only for drawing.
    from data.recognition.readers.drawn_words import DrawnWords

    return DrawnWords(config)


OPENERS: dict[type[DatasetBase], Callable[[Any], WordReader]] = {
    LmdbWords: open_lmdb,
    LabelsCsvWords: open_labels_csv,
    GtTxtWords: open_gt_txt,
    TrdgWords: open_trdg,
    MjsynthWords: open_mjsynth,
    JsonlWords: open_jsonl,
    JsonWords: open_json,
    CaptchaWords: open_captcha,
    CutWords: _open_cut_words,
    GeneratedWords: _open_generated,
}
"""Function that opens a dataset, by the class of its section."""


def open_words(config: WordCrops) -> WordReader:
    """Open a dataset of words or lines.

    Raises:
        UserError: it is missing, of another format, or more of it is faulty than its `max_dropped` allows.
    """
    reader = OPENERS[type(config)](config)
    check_dropped(reader.report, config.max_dropped, config.source)
    chosen = choose_samples(len(reader), config.samples, config.source)
    if isinstance(config, WordFiles):
        refuse_unreadable(reader, config.source)
    return reader if chosen is None else ChosenWords(reader, chosen)


def open_word_sets(configs: Sequence[WordCrops]) -> WordReader:
    """Open several datasets as one: one dataset after the other, with their reports added up.

    Raises:
        UserError: there is none, or one of them cannot be opened.
    """
    if not configs:
        raise UserError("there is no dataset of words; list at least one")
    readers = [open_words(config) for config in configs]
    return readers[0] if len(readers) == 1 else JoinedWords(readers)


_PICTURES = 64
"""Greatest number of pictures to test, spread evenly over the dataset."""


def refuse_unreadable(reader: WordReader, source: str) -> None:
    """Raise `UserError` if more than half of the tested pictures cannot be read.

    Fewer are no reason to refuse a dataset: a training set counts them and takes other samples instead.

    Args:
        reader: the dataset.
        source: name of the dataset, for the message.
    """
    looked_at = min(_PICTURES, len(reader))
    faults: list[UnreadableSample] = []
    for index in range(looked_at):
        try:
            reader[index * len(reader) // looked_at]
        except UnreadableSample as fault:
            faults.append(fault)
    if 2 * len(faults) > looked_at:
        raise UserError(
            f"{source}: {len(faults)} of {looked_at} pictures looked at cannot be read (e.g. {faults[0]}); "
            "make or copy this dataset again, or check its `root`"
        )
