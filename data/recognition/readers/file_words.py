"""Pictures that are files, with labels from a list or from their names: the reader of most formats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from config.errors import UserError
from config.schema.word_crops import ListedWords
from data.reader import DropReport
from data.readers.images import image_bytes
from data.readers.listing import ImageFolder, check_selected, selector
from data.readers.word_table import Texts
from data.recognition.readers.label_lines import MISSING, clean_label
from data.recognition.readers.pictures import decode_picture, header_size, picture_size
from data.recognition.sample import WordReader, WordSample

_HEADER = 4096
"""Bytes at the beginning of a file that contain the size of nearly every picture."""


class PictureFiles(WordReader):
    """Reader of pictures that are files; see `data.recognition.sample.WordReader`.

    Args:
        folder: folder of the pictures; links must not lead out of it. `name` returns a path below it.
    """

    stored = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def __getitem__(self, index: int) -> WordSample:
        name = self.name(index)
        return WordSample(name, decode_picture(image_bytes(self._folder, name, name), name), self.text(index))

    def size(self, index: int) -> tuple[int, int]:
        name = self.name(index)
        try:
            with (self._folder / name).open("rb") as file:
                size = header_size(file.read(_HEADER))
        except OSError:
            size = None  # the reason is found below
        return size or picture_size(image_bytes(self._folder, name, name), name)

    def path(self, index: int) -> Path | None:
        return self._folder / self.name(index)

    def raw(self, index: int) -> bytes:
        name = self.name(index)
        return image_bytes(self._folder, name, name)


class FileWords(PictureFiles):
    """Reader of pictures with labels from a list or from their names.

    Args:
        folder: folder of the pictures.
        names: path of each picture below the folder.
        texts: their labels.
        report: what was kept and left out.
    """

    def __init__(self, folder: Path, names: Texts, texts: Texts, report: DropReport) -> None:
        super().__init__(folder)
        self._names = names
        self._texts = texts
        self.report = report

    def __len__(self) -> int:
        return len(self._names)

    def text(self, index: int) -> str:
        return self._texts[self._checked(index)]

    def name(self, index: int) -> str:
        return self._names[self._checked(index)]

    def fingerprint(self) -> str:
        content = hashlib.sha256()
        self._names.digest_into(content)
        self._texts.digest_into(content)
        return content.hexdigest()[:16]


class WordList:
    """Collects pictures and their labels in order; leaves out those that cannot be used, and counts them.

    Args:
        folder: folder of the pictures.
        listed: the names come from a listing of the folder, so every picture exists.

    Attributes:
        report: counts what is left out.
    """

    def __init__(self, folder: Path, *, listed: bool = False) -> None:
        self._folder = folder
        self.report = DropReport()
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
                self.report.drop(
                    MISSING if reason == "missing" else f"word: its image was left out ({reason})", f"{place}: {name!r}"
                )
                return
        label = clean_label(text, place, self.report)
        if label is None or found is None:
            return
        before = self._texts.setdefault(found, label)
        if before is not label:
            same = before == label
            self.report.drop(
                "image: listed twice with one label" if same else "word: its image has another label already",
                f"{place}: {name!r}" if same else f"{place}: {name!r} is {before!r} and {label!r}",
            )

    def reader(self, config: ListedWords) -> FileWords:
        """Return the reader of the pictures that `select` and `part` take.

        Raises:
            UserError: they take no picture, or no picture exists at its path.
        """
        if not self._texts and self.report.dropped.get(MISSING, 0) > 0 and len(self.report.dropped) == 1:
            example = self.report.examples[MISSING][0]
            raise UserError(
                f"{self._folder}: none of the {self.report.dropped[MISSING]:,} pictures is there (e.g. {example}); "
                "set the dataset's `images` to the folder that their names start from"
            )
        takes = selector(config.select)
        names = [name for name in self._texts if takes(name)]
        check_selected(names, len(self._texts), config.select, self._folder)
        if config.part != "all" and names:
            inside = in_part(names, config, self._folder)
            names = [name for name, taken in zip(names, inside, strict=True) if taken]
        texts = [self._texts[name] for name in names]
        self.report.images = self.report.words = len(names)
        self.report.chars = sum(map(len, texts))
        return FileWords(self._folder, Texts(names), Texts(texts), self.report)


def in_part(names: Sequence[str], config: ListedWords, source: Path) -> list[bool]:
    """Tell for each picture whether it belongs to the part that the dataset asks for.

    The pictures with the smallest hashes of seed and name are the test. So the order of the names does not matter, and
    most pictures stay in their part when others are added.

    Args:
        names: of all pictures, each once.
        config: the dataset's section, `part` other than `all`.
        source: folder of the pictures, for the message.

    Raises:
        UserError: one of the parts would be empty.
    """
    count = config.test_count if config.test_count is not None else round(config.test_share * len(names))
    if not 0 < count < len(names):
        key = "test_count" if config.test_count is not None else "test_share"
        raise UserError(
            f"{source}: `{key}` puts {count:,} of {len(names):,} pictures into the test, so that one of the parts is "
            f"empty; set `{key}` to a number between"
        )
    order = sorted(range(len(names)), key=lambda row: (_rank(config.seed, names[row]), names[row]))
    test = set(order[:count])
    return [(row in test) == (config.part == "test") for row in range(len(names))]


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\x1f{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
