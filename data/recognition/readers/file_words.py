"""Pictures that are files, with labels from a list or from their names: the reader of most formats."""

from __future__ import annotations

import hashlib
from pathlib import Path

from config.errors import UserError
from config.schema.word_crops import ListedWords
from data.reader import DropReport
from data.readers.images import image_bytes
from data.readers.listing import ImageFolder, check_selected, selector
from data.readers.word_table import Texts
from data.recognition.readers.labels import MISSING, clean_label
from data.recognition.readers.pictures import decode_picture, header_size, picture_size
from data.recognition.readers.splitting import in_part
from data.recognition.sample import WordReader, WordSample

_HEADER = 4096
"""Bytes at the beginning of a file that contain the size of nearly every picture."""


class FileWords(WordReader):
    """Reader of pictures that are files; see `data.recognition.sample.WordReader`.

    Args:
        folder: folder of the pictures; links must not lead out of it.
        names: path of each picture below the folder.
        texts: their labels.
        report: what was kept and left out.
    """

    stored = True

    def __init__(self, folder: Path, names: Texts, texts: Texts, report: DropReport) -> None:
        self._folder = folder.resolve()
        self._names = names
        self._texts = texts
        self.report = report

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> WordSample:
        name = self.name(index)
        return WordSample(name, decode_picture(image_bytes(self._folder, name, name), name), self.text(index))

    def text(self, index: int) -> str:
        return self._texts[self._checked(index)]

    def name(self, index: int) -> str:
        return self._names[self._checked(index)]

    def size(self, index: int) -> tuple[int, int]:
        name = self.name(index)
        return file_size(self._folder, name)

    def path(self, index: int) -> Path | None:
        return self._folder / self.name(index)

    def raw(self, index: int) -> bytes:
        name = self.name(index)
        return image_bytes(self._folder, name, name)

    def fingerprint(self) -> str:
        content = hashlib.sha256()
        self._names.digest_into(content)
        self._texts.digest_into(content)
        return content.hexdigest()[:16]


def file_size(folder: Path, name: str) -> tuple[int, int]:
    """Return (height, width) of a picture, pixels, from its header; raise `UnreadableSample` if that fails.

    Args:
        folder: resolved folder of the pictures.
        name: its path below that.
    """
    try:
        with (folder / name).open("rb") as file:
            size = header_size(file.read(_HEADER))
    except OSError:
        size = None  # the reason is found below
    return size or picture_size(image_bytes(folder, name, name), name)


class WordList:
    """Collects pictures and their labels in order; leaves out those that cannot be used, and counts them.

    Args:
        folder: folder of the pictures.
        report: counts what is left out.
        listed: the names come from a listing of the folder, so every picture exists.
    """

    def __init__(self, folder: Path, report: DropReport, *, listed: bool = False) -> None:
        self._folder = folder
        self._report = report
        self._found = None if listed else ImageFolder(folder)
        self._texts: dict[str, str] = {}

    def add(self, name: str, text: str, place: str) -> None:
        """Add a picture.

        Args:
            name: its path in the dataset.
            text: its label.
            place: where the label is written, for the report.
        """
        found: str | None = name
        if self._found is not None:
            found, fault = self._found.find(name)
            if found is None:
                reason = fault.removeprefix("image: ")
                self._report.drop(
                    MISSING if reason == "missing" else f"word: its image was left out ({reason})", f"{place}: {name!r}"
                )
                return
        label = clean_label(text, place, self._report)
        if label is None or found is None:
            return
        before = self._texts.setdefault(found, label)
        if before is not label:
            same = before == label
            self._report.drop(
                "image: listed twice with one label" if same else "word: its image has another label already",
                f"{place}: {name!r}" if same else f"{place}: {name!r} is {before!r} and {label!r}",
            )

    def reader(self, config: ListedWords) -> FileWords:
        """Return the reader of the pictures that `select` and `part` take.

        Raises:
            UserError: they take no picture, or no picture exists at its path.
        """
        if not self._texts and self._report.dropped.get(MISSING, 0) > 0 and len(self._report.dropped) == 1:
            example = self._report.examples[MISSING][0]
            raise UserError(
                f"{self._folder}: none of the {self._report.dropped[MISSING]:,} pictures is there (e.g. {example}); "
                "set the dataset's `images` to the folder that their names start from"
            )
        takes = selector(config.select)
        names = [name for name in self._texts if takes(name)]
        check_selected(names, len(self._texts), config.select, self._folder)
        if config.part != "all" and names:
            inside = in_part(names, config, self._folder)
            names = [name for name, taken in zip(names, inside, strict=True) if taken]
        texts = [self._texts[name] for name in names]
        self._report.images = self._report.words = len(names)
        self._report.chars = sum(map(len, texts))
        return FileWords(self._folder, Texts(names), Texts(texts), self._report)
