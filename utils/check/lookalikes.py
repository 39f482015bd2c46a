"""Finds images that look the same although their files differ, such as re-encoded or resized copies."""

from __future__ import annotations

import cv2
import numpy as np

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
