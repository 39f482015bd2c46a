"""Looks at every image file of a dataset: its header, its size, and a hash that finds candidates for duplicates.

A file is opened once and a few kilobytes of it are read, so that a dataset of a hundred thousand images takes
seconds on a local disk. Whatever looks wrong is given to the dataset's reader, which has the last word: what it can
decode is readable, and what it cannot is named with the reader's own reason.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from data.io.progress import progress_bar
from data.reader import UnreadableSample
from utils.check.sources import Source
from utils.files import sha256

NO_HASH = np.zeros(4, np.uint64)
"""Stands for an image without a hash: not decoded, or too flat for one to mean anything."""

MAX_BITS = 12
"""Of the 256 bits of a hash, so many may differ between two copies. Different photographs differ in about 100."""

_SIDE = 16
_FLAT = 4.0


def perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Return the difference hash of an image: which of 16 x 16 cells is brighter than its right neighbour.

    Args:
        image: uint8 [H, W, 3].

    Returns:
        uint64 [4]; `NO_HASH` for an image without contrast, whose bits would be noise.
    """
    small = cv2.resize(image, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA).mean(2)
    if small.std() < _FLAT:
        return NO_HASH
    bits = np.packbits(small[:, 1:] > small[:, :-1])
    return np.frombuffer(bits.tobytes(), np.uint64)


def alike(left: np.ndarray, right: np.ndarray) -> list[tuple[int, int]]:
    """Return which hashes of two sets are alike, as pairs (row of left, row of right).

    Args:
        left: uint64 [N, 4], the larger set.
        right: uint64 [M, 4].
    """
    has_hash = left.any(1)
    pairs = []
    for number, one in enumerate(right):
        if not one.any():
            continue
        bits = np.bitwise_count(left ^ one).sum(1, dtype=np.int64)
        pairs += [(int(row), number) for row in np.flatnonzero((bits <= MAX_BITS) & has_hash)]
    return pairs


_ORIENTATION = 0x0112
_PIECE = 4096
_CHUNK = 16
_ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


class FileFacts(NamedTuple):
    """What the header of an image file says, and what tells the file from others."""

    width: int
    height: int
    mode: str
    orientation: int
    size: int
    digest: int


@dataclass(frozen=True)
class Survey:
    """What is known of the images of a dataset.

    Attributes:
        indices: int64 [N], the samples looked at, ascending.
        sizes: int32 [N, 2], height and width as the reader hands the image over; 0 where it is unreadable.
        bytes: int64 [N], size of the file; 0 where there is none.
        digests: uint64 [N], hash of the middle of the file, with `bytes` a first guess at which files are the same.
        hashes: uint64 [N, 4], perceptual hash; `NO_HASH` where none was made.
        modes: how many images are of each mode ("RGB", "L", "RGBA", ...).
        rotated: names of the images with an EXIF orientation other than upright.
        unreadable: name and reason of the images that cannot be read.
    """

    indices: np.ndarray
    sizes: np.ndarray
    bytes: np.ndarray
    digests: np.ndarray
    hashes: np.ndarray
    modes: Counter[str]
    rotated: list[str]
    unreadable: list[str]

    @property
    def readable(self) -> np.ndarray:
        """Rows of the images that can be read."""
        return np.flatnonzero(self.sizes.min(1, initial=1 << 30) > 0)


class _Look(NamedTuple):
    facts: FileFacts | None
    size: tuple[int, int]
    hash: np.ndarray
    fault: str


def survey_images(source: Source, *, deep: bool, limit: int | None = None, threads: int | None = None) -> Survey:
    """Look at all images of a dataset, or at a few of them where they are not files.

    Args:
        source: the dataset.
        deep: decode every image, and make its perceptual hash.
        limit: look at so many images only, spread over the dataset.
        threads: how many files are read at once; None takes a number that suits disks and networks.
    """
    indices = source.spread(len(source.reader) if limit is None else limit)
    chunks = [indices[start : start + _CHUNK].tolist() for start in range(0, len(indices), _CHUNK)]
    threads = threads or min(16, 4 * (os.cpu_count() or 1))
    looks: list[_Look] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads, thread_name_prefix="check-images") as pool:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        done = pool.map(lambda chunk: [_look(source, index, deep) for index in chunk], chunks)
        for found in progress_bar(done, len(chunks), f"images of {source.name}", unit=f"x {_CHUNK} images"):
            looks += found
    facts = [look.facts for look in looks]
    names = [source.reader.annotation(index).sample_id if look.facts and look.facts.orientation > 1 else ""
             for index, look in zip(indices.tolist(), looks, strict=True)]  # fmt: skip
    return Survey(
        indices,
        np.array([look.size for look in looks], np.int32).reshape(-1, 2),
        np.array([one.size if one else 0 for one in facts], np.int64),
        np.array([one.digest if one else 0 for one in facts], np.uint64),
        np.array([look.hash for look in looks], np.uint64).reshape(-1, 4),
        Counter(one.mode for one in facts if one),
        [name for name in names if name],
        [look.fault for look in looks if look.fault],
    )


def file_facts(path: Path) -> FileFacts | None:
    """Read the header and the middle of an image file; None where anything about it is doubtful.

    Doubtful is what cannot be opened, what is reached by a link, a header that Pillow does not know, and a JPEG or PNG
    that does not end as it should.
    """
    try:
        if os.path.realpath(path) != str(path):
            return None
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            with Image.open(file) as image:
                kind, mode, (width, height) = image.format or "", image.mode, image.size
                orientation = int(image.getexif().get(_ORIENTATION, 1) or 1)
            # Pillow seeks, but leaves a file open that it was given.
            file.seek(max(0, size // 2 - _PIECE // 2))
            digest = hashlib.blake2b(file.read(_PIECE), digest_size=8).digest()
            file.seek(max(0, size - 64))
            whole = _ENDINGS.get(kind, b"") in file.read()
    except (OSError, ValueError, SyntaxError, TypeError, RuntimeError, Image.DecompressionBombError):
        return None
    return FileFacts(width, height, mode, orientation, size, int.from_bytes(digest, "big")) if whole else None


def same_content(paths: Sequence[Path]) -> list[list[int]]:
    """Return groups of two or more places in `paths` whose files hold the same bytes; unreadable ones are left out."""
    groups: dict[str, list[int]] = {}
    known: dict[Path, str] = {}
    for place, path in enumerate(paths):
        if path not in known:
            try:
                known[path] = sha256(path)
            except OSError:
                continue
        groups.setdefault(known[path], []).append(place)
    return [group for group in groups.values() if len(group) > 1]


def _look(source: Source, index: int, deep: bool) -> _Look:
    path = source.reader.path(index)
    facts = None if path is None else file_facts(path)
    if facts is not None and not deep:
        turned = facts.orientation >= 5 and source.upright
        size = (facts.width, facts.height) if turned else (facts.height, facts.width)
        return _Look(facts, size, NO_HASH, "")
    try:
        image = source.reader[index].image
    except UnreadableSample as fault:
        return _Look(facts, (0, 0), NO_HASH, str(fault))
    return _Look(facts, image.shape[:2], perceptual_hash(image) if deep else NO_HASH, "")
