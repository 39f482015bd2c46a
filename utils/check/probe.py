"""Examines every image file of a dataset: its header, its size, and a hash that finds candidates for duplicates.

Each file is opened once and a few kilobytes of it are read, so a dataset of a hundred thousand images takes seconds on
a local disk. A suspicious file is passed to the dataset's reader, which decides whether it is readable and gives the
reason if not.
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
"""Value for an image without a hash: not decoded, or with too little contrast for a meaningful hash."""

MAX_BITS = 12
"""Maximum number of different bits, of 256, between the hashes of two copies. Different photos differ in about 100."""

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
    """Return the similar hashes of two sets, as pairs (row of left, row of right).

    Args:
        left: uint64 [N, 4], the larger set.
        right: uint64 [M, 4].
    """
    has_hash = left.any(1)
    pairs = []
    for right_row, query in enumerate(right):
        if not query.any():
            continue
        bits = np.bitwise_count(left ^ query).sum(1, dtype=np.int64)
        pairs += [(int(left_row), right_row) for left_row in np.flatnonzero((bits <= MAX_BITS) & has_hash)]
    return pairs


_ORIENTATION = 0x0112
_PIECE = 4096
_CHUNK = 16
_ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


class FileFacts(NamedTuple):
    """The header fields of an image file, and a digest for comparison with other files."""

    width: int
    height: int
    mode: str
    orientation: int
    size: int
    digest: int


@dataclass(frozen=True)
class Survey:
    """The properties of the images of a dataset.

    Attributes:
        indices: int64 [N], the examined samples, ascending.
        sizes: int32 [N, 2], height and width of the image as the reader returns it; 0 if it is unreadable.
        bytes: int64 [N], size of the file; 0 if there is none.
        digests: uint64 [N], hash of the middle of the file; files with equal `bytes` and digest may be equal.
        hashes: uint64 [N, 4], perceptual hash; `NO_HASH` if none was computed.
        modes: number of images of each mode ("RGB", "L", "RGBA", ...).
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
        """Rows of the readable images, int64 [N], in ascending order."""
        return np.flatnonzero(self.sizes.min(1, initial=1 << 30) > 0)


class _Look(NamedTuple):
    facts: FileFacts | None
    size: tuple[int, int]
    hash: np.ndarray
    fault: str


def survey_images(source: Source, *, deep: bool, limit: int | None = None, threads: int | None = None) -> Survey:
    """Examine all images of a dataset, or a few of them if they are not files.

    Args:
        source: the dataset.
        deep: decode every image, and compute its perceptual hash.
        limit: maximum number of images, spread over the dataset; None examines all.
        threads: number of files that are read at once; None chooses it from the number of CPU cores.
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
        np.array([file.size if file else 0 for file in facts], np.int64),
        np.array([file.digest if file else 0 for file in facts], np.uint64),
        np.array([look.hash for look in looks], np.uint64).reshape(-1, 4),
        Counter(file.mode for file in facts if file),
        [name for name in names if name],
        [look.fault for look in looks if look.fault],
    )


def file_facts(path: Path) -> FileFacts | None:
    """Read the header and the middle of an image file; return None if the file is suspicious.

    Suspicious are files that cannot be opened, symbolic links, headers that Pillow does not know, and JPEG or PNG files
    without their end marker.
    """
    try:
        if os.path.realpath(path) != str(path):
            return None
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            with Image.open(file) as image:
                kind, mode, (width, height) = image.format or "", image.mode, image.size
                orientation = int(image.getexif().get(_ORIENTATION, 1) or 1)
            # Pillow moves the file position, but does not close a file object that it was given.
            file.seek(max(0, size // 2 - _PIECE // 2))
            digest = hashlib.blake2b(file.read(_PIECE), digest_size=8).digest()
            file.seek(max(0, size - 64))
            whole = _ENDINGS.get(kind, b"") in file.read()
    except (OSError, ValueError, SyntaxError, TypeError, RuntimeError, Image.DecompressionBombError):
        return None
    return FileFacts(width, height, mode, orientation, size, int.from_bytes(digest, "big")) if whole else None


def same_content(paths: Sequence[Path]) -> list[list[int]]:
    """Return groups of two or more indices of `paths` whose files have the same bytes; unreadable ones are left out."""
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
