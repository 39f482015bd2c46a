"""Writes small datasets of word pictures for the tests of their readers."""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import lmdb
import numpy as np

from data.recognition.sample import WordReader

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "data"


def picture(number: int, height: int = 8, width: int = 20) -> np.ndarray:
    """Return a picture, uint8 [H, W, 3] RGB, that is another one for every number."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)


def encoded(number: int, suffix: str = ".png", height: int = 8, width: int = 20) -> bytes:
    return cv2.imencode(suffix, picture(number, height, width)[:, :, ::-1])[1].tobytes()


def write_pictures(folder: Path, names: Mapping[str, int] | list[str]) -> None:
    """Write a picture for each name; its number is that of the mapping, or the place in the list."""
    numbers = names if isinstance(names, Mapping) else {name: number for number, name in enumerate(names)}
    for name, number in numbers.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = Path(name).suffix if Path(name).suffix.lower() in (".jpg", ".bmp", ".webp", ".tif") else ".png"
        path.write_bytes(encoded(number, suffix))


def write_lmdb(folder: Path, pairs: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with lmdb.open(str(folder), map_size=1 << 22, lock=False) as database, database.begin(write=True) as transaction:
        for key, value in pairs.items():
            transaction.put(key.encode(), value)
    return folder


def word_pairs(labels: list[str], first: int = 0) -> dict[str, bytes]:
    """Return the keys and values of deep-text-recognition-benchmark for these labels, `first` the first picture."""
    pairs = {"num-samples": str(len(labels)).encode()}
    for number, label in enumerate(labels, 1):
        pairs[f"image-{number:09d}"] = encoded(first + number - 1)
        pairs[f"label-{number:09d}"] = label.encode()
    return pairs


def texts(reader: WordReader) -> list[str]:
    return [reader.text(index) for index in range(len(reader))]


def names(reader: WordReader) -> list[str]:
    return [reader.name(index) for index in range(len(reader))]


def assert_consistent(reader: WordReader) -> None:
    """Check what has to hold of every reader: all of its methods tell the same, from both ends."""
    assert len(set(names(reader))) == len(reader), "a name is there twice"
    for index in range(len(reader)):
        sample = reader[index]
        assert (sample.sample_id, sample.text) == (reader.name(index), reader.text(index))
        assert sample.image.dtype == np.uint8 and sample.image.shape == (*reader.size(index), 3)
        again = reader[index - len(reader)]
        assert again.sample_id == sample.sample_id and np.array_equal(again.image, sample.image)
    for method in (reader.__getitem__, reader.text, reader.name, reader.size, reader.path):
        for index in (len(reader), -len(reader) - 1):
            try:
                method(index)
            except IndexError:
                continue
            raise AssertionError(f"{method} takes index {index} of {len(reader)}")


def read_in_new_process(reader: WordReader, index: int) -> tuple[str, str, bytes]:
    """Return name, text and pixels of a sample as a process reads it that shares nothing with this one."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_read, reader, index).result()


def _read(reader: Any, index: int) -> tuple[str, str, bytes]:
    sample = reader[index]
    return sample.sample_id, sample.text, sample.image.tobytes()
