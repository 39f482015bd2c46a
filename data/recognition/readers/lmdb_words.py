"""Pictures and labels in LMDB databases with the keys of deep-text-recognition-benchmark.

`num-samples` is their count in decimal, `image-%09d` an image file and `label-%09d` its text in UTF-8, counted from 1.
MMOCR's databases have the same keys without images; each value holds the path of a picture and its label.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from config.errors import UserError
from config.schema.word_crops import ListedWords, LmdbWords
from data.graphemes import nfc
from data.reader import DropReport, UnreadableSample
from data.readers.listing import subfolder
from data.readers.shards import find_parts
from data.recognition.readers.database import DATA_FILE, Database, open_database
from data.recognition.readers.file_words import FileWords, WordList
from data.recognition.readers.forwarded import JoinedWords, Kept
from data.recognition.readers.label_lines import MISSING, decoded_label, split_space
from data.recognition.readers.pictures import decode_picture, picture_size
from data.recognition.sample import WordReader, WordSample

_COUNT = b"num-samples"
_LABEL, _IMAGE = b"label-", b"image-"


def open_lmdb(config: LmdbWords) -> WordReader:
    """Open the databases of a root. Samples come in the order of their keys, one database after the other.

    Raises:
        UserError: there is no database, or one cannot be opened, has other keys, or is damaged.
    """
    root = Path(config.root).expanduser()
    parts = [root] if root.is_file() else find_parts(config.root, DATA_FILE)
    if config.images is not None:
        return _labels_alone(parts, config)
    readers = []
    for part in parts:
        prefix = f"{part.relative_to(root).as_posix()}/" if part != root else ""
        readers.append(LmdbReader(part, prefix))
    return readers[0] if len(readers) == 1 else JoinedWords(readers)


class LmdbReader(WordReader):
    """Reader of one database; see `data.recognition.sample.WordReader`. In memory are only indices of faulty samples.

    Args:
        path: folder with `data.mdb`, or a database that is a file.
        prefix: beginning of the name of every sample.

    Attributes:
        report: what was kept and left out.

    Raises:
        UserError: it cannot be opened, has other keys, or holds no images.
    """

    stored = True

    def __init__(self, path: Path, prefix: str = "") -> None:
        self._path = path
        self._prefix = prefix
        self._database: Database | None = None
        self.report = DropReport()
        self._kept, self._digest = self._scan(open_database(path))

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, index: int) -> WordSample:
        name = self.name(index)
        return WordSample(name, decode_picture(self.raw(index), name), self.text(index))

    def text(self, index: int) -> str:
        label = self._open().get(_key(_LABEL, self._kept[index]))
        assert label is not None, "the database has changed since it was opened"
        return nfc(label.decode())

    def name(self, index: int) -> str:
        return f"{self._prefix}image-{self._kept[index] + 1:09d}"

    def size(self, index: int) -> tuple[int, int]:
        return picture_size(self.raw(index), self.name(index))

    def raw(self, index: int) -> bytes:
        data = self._open().get(_key(_IMAGE, self._kept[index]))
        if data is None:
            raise UnreadableSample(self.name(index), "image: missing")
        return data

    def fingerprint(self) -> str:
        return self._digest

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_database": None}

    def _open(self) -> Database:
        if self._database is None:
            self._database = open_database(self._path)
        return self._database

    def _scan(self, database: Database) -> tuple[Kept, str]:
        """Read all labels; return which samples can be used, and a hash of the labels."""
        total = _number_of_samples(self._path, database)
        digest = hashlib.sha256()
        good = np.zeros(total, bool)
        seen = np.zeros(total, bool)
        for key, value in _numbered(database, _LABEL, values=True):
            if not 1 <= key <= total:
                self.report.note("label: its number is beyond num-samples", f"label-{key:09d}")
                continue
            seen[key - 1] = True
            digest.update(b"%d " % key + value + b"\n")
            label = decoded_label(value, f"{self._prefix}label-{key:09d}", self.report)
            if label is not None:
                good[key - 1] = True
                self.report.chars += len(label)
        for row in np.flatnonzero(~seen).tolist():
            self.report.drop("word: its label is missing", f"{self._prefix}label-{row + 1:09d}")
        self._check_images(database, good, int(seen.sum()))
        self.report.images = self.report.words = int(good.sum())
        return Kept(total, np.flatnonzero(~good)), digest.hexdigest()[:16]

    def _check_images(self, database: Database, good: np.ndarray, labels: int) -> None:
        """Count labels without an image, and remove them from `good`."""
        # With this count of keys every label has an image; reading the keys would read most of the file.
        all_there = labels == len(good) and database.environment.stat()["entries"] == 2 * labels + 1
        if all_there and database.get(_key(_IMAGE, 0)) is not None:
            return
        there = np.zeros(len(good), bool)
        for key, _ in _numbered(database, _IMAGE, values=False):
            if 1 <= key <= len(good):
                there[key - 1] = True
        if not there.any():
            raise UserError(
                f"{self._path}: this database holds labels, but no images; set the dataset's `images` to their folder"
            )
        for row in np.flatnonzero(good & ~there).tolist():
            self.report.drop(MISSING, f"{self._prefix}image-{row + 1:09d}")
        good &= there


def _number_of_samples(path: Path, database: Database) -> int:
    value = database.get(_COUNT)
    if value is None:
        with database.environment.begin() as transaction, transaction.cursor() as cursor:
            first = bytes(cursor.key())[:40].decode("utf-8", "replace") if cursor.first() else None
        holds = f"its first key is {first!r}" if first is not None else "it is empty"
        raise UserError(
            f"{path}: this database lacks the key num-samples of deep-text-recognition-benchmark ({holds}); make it "
            "anew in that form"
        )
    entries = database.environment.stat()["entries"]
    count = int(value) if value.isdigit() else 0
    if not 0 < count < entries:
        raise UserError(
            f"{path}: num-samples of this database is {value[:40].decode('utf-8', 'replace')!r}, but it has "
            f"{entries:,} keys; make it anew"
        )
    return count


def _numbered(database: Database, prefix: bytes, *, values: bool) -> Iterator[tuple[int, bytes]]:
    """Yield (number, value) of all keys that are `prefix` and digits; values are empty if `values` is False."""
    with database.environment.begin() as transaction, transaction.cursor() as cursor:
        if not cursor.set_range(prefix):
            return
        for item in cursor.iternext(keys=True, values=values):
            key, value = item if values else (item, b"")
            if not key.startswith(prefix):
                return
            digits = key[len(prefix) :]
            if digits.isdigit() and (len(digits) == 9 or digits[:1] != b"0"):
                yield int(digits), value


def _key(prefix: bytes, row: int) -> bytes:
    return b"%s%09d" % (prefix, row + 1)


def _labels_alone(parts: list[Path], config: LmdbWords) -> FileWords:
    """Open databases that hold only labels; their pictures are files in the folder `images`."""
    assert config.images is not None, "checked by the caller"
    beside = parts[0].parent if Path(config.root).expanduser() == parts[0] else Path(config.root).expanduser()
    images = subfolder(str(beside), config.images, "images")
    words = WordList(images)
    for part in parts:
        database = open_database(part)
        _number_of_samples(part, database)
        for key, value in _numbered(database, _LABEL, values=True):
            place = f"{part.name} label-{key:09d}"
            try:
                line = value.decode()
            except UnicodeDecodeError:
                words.report.drop("word: its label is not UTF-8", place, unparsed=True)
                continue
            found = _file_and_text(line)
            if found is None:
                words.report.drop("word: its label names no file", place, unparsed=True)
            else:
                words.add(*found, place)
    return words.reader(ListedWords(root=config.root))


def _file_and_text(line: str) -> tuple[str, str] | None:
    """Return path and label of MMOCR's values, JSON or `PATH label`."""
    if line.lstrip().startswith("{"):
        with contextlib.suppress(ValueError, RecursionError):
            entry = json.loads(line)
            if isinstance(entry.get("filename"), str) and isinstance(entry.get("text"), str):
                return entry["filename"], entry["text"]
        return None
    return split_space(line)
