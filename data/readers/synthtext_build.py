"""From a spooled ground truth to the arrays of the index: checks, drops and counts, in batches.

An image whose texts and boxes do not match in number is left out completely, because it is unknown which box belongs to
which word. A word with an unusable box is left out with its characters. A character with an unusable box is left out
alone, so a word may have fewer character boxes than letters. A word without usable character boxes is left out too,
because it could not be drawn and would count as background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from pathlib import Path

import numpy as np

from config.errors import UserError
from data.graphemes import count_clusters, nfc
from data.io.progress import progress_bar
from data.reader import DropReport
from data.readers.listing import leaves_folder
from data.readers.npy import NpyWriter
from data.readers.quads import FAULTS, quad_faults
from data.readers.synthtext_spool import Spool
from data.readers.words import count_characters, split_words

BATCH = 4096
_WORD_LEFT_OUT, _NO_CHARACTER = 250, 251

ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "names": ("|u1", ()),
    "name_ends": ("<i8", ()),
    "image_words": ("<i8", ()),
    "texts": ("|u1", ()),
    "text_ends": ("<i8", ()),
    "word_chars": ("<i8", ()),
    "word_quads": ("<f4", (4, 2)),
    "char_quads": ("<f4", (4, 2)),
}
"""Array -> type and shape of one entry. `names` and `texts` are UTF-8; the other `<i8` arrays are running totals that
begin with 0: the bytes of names, the words of images, the bytes of texts, the characters of words."""


class IndexBuilder:
    """Writes the arrays of an index and counts what is kept and what is left out."""

    def __init__(self, folder: Path, label: str) -> None:
        self.report = DropReport()
        self._label = label
        self._arrays = {name: NpyWriter(folder / f"{name}.npy", *kind) for name, kind in ARRAYS.items()}
        self._totals = dict.fromkeys(("name_ends", "image_words", "text_ends", "word_chars"), 0)

    def build(self, spool: Spool) -> None:
        """Add everything that was spooled."""
        for name in self._totals:
            self._arrays[name].append(np.zeros(1, np.int64))
        spool.rewind()
        count = len(spool.names)
        starts = range(0, count, BATCH)
        for start in progress_bar(starts, len(starts), "building the index", unit="batch"):
            self._batch(spool, start, min(start + BATCH, count))

    def finish(self) -> dict[str, str]:
        """Complete the files and flush them to the disk; return the SHA-256 of each array's content."""
        return {name: array.finish() for name, array in self._arrays.items()}

    def close(self) -> None:
        """Close the files, complete or not."""
        for array in self._arrays.values():
            array.close()

    def _batch(self, spool: Spool, start: int, stop: int) -> None:
        names = spool.names.take_texts(start, stop)
        texts = spool.texts.take_texts(start, stop)
        word_quads, word_counts = spool.word_quads.take_quads(start, stop)
        char_quads, char_counts = spool.char_quads.take_quads(start, stop)
        self._refuse_unsafe(names, start)
        words = [[] if text is None else split_words(text) for text in texts]

        kept = np.zeros(len(names), bool)
        word_chars: list[int] = []
        for k, (name, text) in enumerate(zip(names, texts, strict=True)):
            counts = count_characters(words[k], int(char_counts[k]))
            fault = _image_fault(name, text, words[k], int(word_counts[k]), int(char_counts[k]), counts)
            if fault is None:
                word_chars += counts or []
            kept[k] = fault is None
            if fault:
                place = name or f"image {start + k + 1}"
                self.report.drop(fault[0], f"{place} ({fault[1]})" if fault[1] else place)
                lost = len(words[k]) if text is not None else max(int(word_counts[k]), 0)
                if lost:
                    self.report.drop("word: its image was left out", place, lost)
        word_quads = word_quads[np.repeat(kept, np.maximum(word_counts, 0))]
        char_quads = char_quads[np.repeat(kept, np.maximum(char_counts, 0))]
        self._kept(
            [name for name, keep in zip(names, kept, strict=True) if keep],
            [[nfc(word) for word in image_words] for image_words, keep in zip(words, kept, strict=True) if keep],
            np.array(word_chars, np.int64),
            word_quads,
            char_quads,
        )

    def _kept(
        self,
        names: list[str],
        words: list[list[str]],
        word_chars: np.ndarray,
        word_quads: np.ndarray,
        char_quads: np.ndarray,
    ) -> None:
        """Add images whose texts and boxes match in number, without their unusable boxes."""
        flat = [word for image_words in words for word in image_words]
        image_of_word = np.repeat(np.arange(len(names)), _lengths(words))
        word_of_char = np.repeat(np.arange(len(flat)), word_chars)

        word_faults, char_faults = quad_faults(word_quads), quad_faults(char_quads)
        char_faults[(word_faults != 0)[word_of_char]] = _WORD_LEFT_OUT
        chars_of_word = np.bincount(word_of_char[char_faults == 0], minlength=len(flat))
        word_faults[(word_faults == 0) & (chars_of_word == 0)] = _NO_CHARACTER
        first_word = np.searchsorted(image_of_word, np.arange(len(names)))

        def place(word: int) -> str:
            image = image_of_word[word]
            return f"{names[image]} word {word - first_word[image] + 1}"

        self._count_faults("word", word_faults, place)
        self._count_faults("char", char_faults, lambda char: place(word_of_char[char]))

        good = word_faults == 0
        kept_words = [word for word, keep in zip(flat, good, strict=True) if keep]
        self._append_strings("names", "name_ends", names)
        self._append_strings("texts", "text_ends", kept_words)
        self._append_counts("image_words", np.bincount(image_of_word[good], minlength=len(names)))
        self._append_counts("word_chars", chars_of_word[good])
        self._arrays["word_quads"].append(word_quads[good])
        self._arrays["char_quads"].append(char_quads[char_faults == 0])
        self.report.images += len(names)
        self.report.words += len(kept_words)
        self.report.chars += int((char_faults == 0).sum())

    def _count_faults(self, item: str, faults: np.ndarray, place: Callable[[int], str]) -> None:
        reasons = {**FAULTS, _WORD_LEFT_OUT: "its word was left out", _NO_CHARACTER: "no usable character box"}
        for code in np.unique(faults[faults != 0]).tolist():
            where = np.flatnonzero(faults == code)
            for example in where[:3]:
                self.report.drop(f"{item}: {reasons[code]}", place(example))
            if len(where) > 3:
                self.report.drop(f"{item}: {reasons[code]}", place(where[3]), len(where) - 3)

    def _append_strings(self, blob: str, ends: str, strings: list[str]) -> None:
        joined = "".join(strings)
        data = joined.encode("utf-8")
        sizes = _lengths(strings if joined.isascii() else [text.encode("utf-8") for text in strings])
        self._arrays[blob].append(np.frombuffer(data, np.uint8))
        self._append_counts(ends, sizes)

    def _append_counts(self, name: str, counts: np.ndarray) -> None:
        totals = self._totals[name] + np.cumsum(counts, dtype=np.int64)
        self._arrays[name].append(totals)
        if len(totals):
            self._totals[name] = int(totals[-1])

    def _refuse_unsafe(self, names: list[str | None], start: int) -> None:
        for k, name in enumerate(names):
            if name is not None and leaves_folder(name):
                raise UserError(
                    f"{self._label}: image {start + k + 1} is called {name!r}, which may lead out of the data root; "
                    "a ground truth with such names is not used"
                )


def _lengths(items: Sequence[Sized]) -> np.ndarray:
    return np.fromiter(map(len, items), np.int64, len(items))


def _image_fault(
    name: str | None, text: str | None, words: list[str], word_boxes: int, char_boxes: int, counts: list[int] | None
) -> tuple[str, str] | None:
    """Return why an image has to be left out, with the numbers that differ, or None if it is kept."""
    if name is None:
        return "image: its name cannot be read", ""
    if text is None:
        return "image: its text cannot be read", ""
    if word_boxes < 0 or char_boxes < 0:
        return "image: its boxes are not a 2x4xN array", ""
    if word_boxes != len(words):
        return "image: word boxes and words differ in number", f"{word_boxes} boxes, {len(words)} words"
    if counts is None:
        chars = sum(map(count_clusters, words))
        return "image: character boxes and characters differ in number", f"{char_boxes} boxes, {chars} characters"
    return None
