"""Uneven light: a smooth gain over the whole picture, dark corners, and the tint of a wrong white balance.

Geometry does not change, and neighbouring pixels keep their ratio, so text keeps its contrast.
"""

from __future__ import annotations

import cv2
import numpy as np

_REDUCTION = 8


def light_unevenly(image: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Return the image, uint8 [H, W, 3], times a gain given at low resolution, float32 [h, w] or [h, w, 3]."""
    if gain.ndim == 2:
        gain = cv2.merge([gain] * 3)
    full = cv2.resize(gain, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.multiply(image, full, dtype=cv2.CV_8U)


def even_gain(width: int, height: int) -> np.ndarray:
    """Return the gain that changes nothing, float32 [h, w], for an image of this size."""
    return np.ones((max(2, -(-height // _REDUCTION)), max(2, -(-width // _REDUCTION))), np.float32)


def lamp(gain: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return a gain, float32 [h, w], times that of a lamp or a shadow.

    It is a ramp or a few soft patches, from 1 down to 1 - `share`.
    """
    height, width = gain.shape
    cells = int(rng.integers(2, 5))
    grid = rng.random((cells, cells), np.float32)
    if rng.random() < 0.5:
        turn = rng.uniform(0, 2 * np.pi)
        steps = np.linspace(-1, 1, cells)
        grid = grid * 0.3 + (np.cos(turn) * steps[None] + np.sin(turn) * steps[:, None]).astype(np.float32)
    field = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = float(field.min()), float(field.max())
    return gain * (1 - share * (high - field) / max(high - low, 1e-6))


def dark_corners(gain: np.ndarray, share: float) -> np.ndarray:
    """Return a gain, float32 [h, w], times that of a lens.

    It is 1 in the middle and 1 - `share` in the corners, and falls with the square of the distance.
    """
    height, width = gain.shape
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    return gain * (1 - np.float32(share / 2) * (x[None] ** 2 + y[:, None] ** 2))


def tint(gain: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return a gain, float32 [h, w], for each channel, float32 [h, w, 3].

    Red and blue are moved apart by up to `share` either way, green by up to a third of it.
    """
    warmth, green = rng.uniform(-share, share), rng.uniform(-share, share) / 3
    channels = np.array([1 + warmth, 1 + green, 1 - warmth], np.float32)
    return gain[:, :, None] * (channels / channels.max())
