"""Writing any dataset of words as an LMDB, as files with `labels.csv`, or as files with `labels.jsonl`.

Image files are copied byte for byte; pictures without a file (crops that are cut out or drawn) are written as PNG,
which is lossless. The dataset is made in a hidden folder and moved to its final place when it is complete.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2

from config.errors import UserError
from config.schema.conversion import ConvertConfig
from data.io.durable import move, sync, write_synced
from data.io.progress import Progress
from data.io.workplace import open_workplace
from data.reader import DropReport, UnreadableSample
from data.recognition.readers import open_word_sets
from data.recognition.readers.pictures import decode_picture, suffix_of
from data.recognition.sample import WordReader
from data.recognition.writers.folder import FolderItem, write_labels_csv, write_labels_jsonl

logger = logging.getLogger(__name__)

MANIFEST = "converted.json"


@dataclass(frozen=True)
class Word:
    """A picture to be written.

    Attributes:
        position: its place in the dataset, from 1.
        data: the image file.
        suffix: of the file's name.
        text: the label.
    """

    position: int
    data: bytes
    suffix: str
    text: str

    @property
    def name(self) -> str:
        """Name of the picture's file, in formats with one file for each picture."""
        return f"word_{self.position:09d}{self.suffix}"


def convert(config: ConvertConfig) -> DropReport:
    """Write the datasets of a configuration; return what was written and left out.

    Raises:
        UserError: a dataset cannot be opened, too much of it cannot be written, or the folder cannot.
    """
    target = Path(config.output_dir)
    _refuse_target(target, config.overwrite)
    reader = open_word_sets(config.datasets)
    logger.info("%s", reader.report.table())
    report = DropReport()
    try:
        with open_workplace(target.absolute().parent) as workplace:
            made = workplace / "made"
            made.mkdir()
            _write(config.to, made, _words(reader, config, report))
            _check(len(reader), report, config)
            _write_manifest(made / MANIFEST, config, reader, report)
            sync(made)
            if target.exists():
                target.rename(workplace / "old")
            move(made, target.absolute())
    except OSError as error:
        raise UserError(
            f"{target} cannot be written ({error.strerror or error}); make room or choose another output_dir, for "
            "nothing was made"
        ) from error
    logger.info("%s: %s", target, report.table())
    return report


def _refuse_target(target: Path, overwrite: bool) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not (target / MANIFEST).is_file():
        raise UserError(f"{target} holds something that no conversion made; choose another output_dir")
    if not overwrite:
        raise UserError(f"{target} holds an earlier conversion; choose another output_dir, or set overwrite=true")


def _words(reader: WordReader, config: ConvertConfig, report: DropReport) -> Iterator[Word]:
    """Yield every sample that can be read and written, with its image file; count the others."""
    progress = Progress(len(reader), 0, "word", "convert")
    try:
        for index in range(len(reader)):
            progress.update()
            name, text = reader.name(index), reader.text(index)
            try:
                data, suffix = _image_file(reader, index, name)
            except UnreadableSample as fault:
                report.drop(f"word: {fault.reason}", name)
                continue
            if config.to == "labels_csv" and (text != text.strip() or not text.isprintable()):
                report.drop("word: its label begins or ends with white space, or has a line break", f"{name}: {text!r}")
                continue
            report.words += 1
            report.images += 1
            report.chars += len(text)
            yield Word(report.words, data, suffix, text)
    finally:
        progress.close()


def _image_file(reader: WordReader, index: int, name: str) -> tuple[bytes, str]:
    """Return a sample's image file and its suffix; raise `UnreadableSample` if the picture cannot be read."""
    data = reader.raw(index)
    if data is not None:
        image = decode_picture(data, name)
        suffix = suffix_of(data)
        if suffix is not None:
            return data, suffix
    else:
        image = reader[index].image
    done, encoded = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done, "PNG takes every picture that OpenCV decodes"
    return encoded.tobytes(), ".png"


def _write(form: str, folder: Path, words: Iterator[Word]) -> None:
    if form == "lmdb":
        from data.recognition.writers.lmdb import LmdbItem, write_lmdb

        write_lmdb(folder, (LmdbItem(word.data, word.text) for word in words))
        return

    def files() -> Iterator[FolderItem]:
        for word in words:
            (folder / word.name).write_bytes(word.data)
            yield FolderItem(word.name, len(word.data), word.text)

    write = {"labels_csv": write_labels_csv, "jsonl": write_labels_jsonl}[form]
    write(folder, files())


def _check(total: int, report: DropReport, config: ConvertConfig) -> None:
    """Raise `UserError` if too much was left out."""
    lost = total - report.words
    if report.words and lost <= config.max_dropped * total:
        return
    why = "; ".join(
        f"{count:,} x {reason} (e.g. {report.examples[reason][0]})"
        for reason, count in sorted(report.dropped.items(), key=lambda item: -item[1])[:3]
    )
    raise UserError(
        f"{lost:,} of {total:,} words ({lost / total:.2%}) cannot be written as {config.to}, more than `max_dropped` "
        f"({config.max_dropped:g}) allows, and nothing was made: {why}; mend them, or raise max_dropped"
    )


def _write_manifest(path: Path, config: ConvertConfig, reader: WordReader, report: DropReport) -> None:
    facts = {
        "format": config.to,
        "words": report.words,
        "characters": report.chars,
        "dropped": report.dropped,
        "source": reader.fingerprint(),
        "datasets": [dataset.model_dump(mode="json") for dataset in config.datasets],
    }
    write_synced(path, (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode())
