"""One picture of some words with what was read of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from utils.draw.palette import DOUBTFUL, INK, SURE, Colour
from utils.draw.sheet import Cell, lay_out

WIDTH, HEIGHT, LONGEST, GAP = 1280, 48, 400, 12


def draw_readings(images: Sequence[np.ndarray], texts: Sequence[str | None], readings: Sequence[str]) -> np.ndarray:
    """Draw words with their readings below: green where it is right, else red with the label behind it.

    Args:
        images: uint8 [H, W, 1 or 3] each, RGB or grey.
        texts: the labels; None where there is none, which is written in white.
        readings: what was read.

    Returns:
        uint8 [H, 1280, 3], RGB.
    """
    cells = [
        Cell(_scaled(image), *_caption(text, reading))
        for image, text, reading in zip(images, texts, readings, strict=True)
    ]
    return lay_out(cells, WIDTH, gap=GAP)


def _scaled(image: np.ndarray) -> np.ndarray:
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    width = min(LONGEST, max(1, round(image.shape[1] * HEIGHT / image.shape[0])))
    return cv2.resize(np.ascontiguousarray(image), (width, HEIGHT), interpolation=cv2.INTER_AREA)


def _caption(text: str | None, reading: str) -> tuple[str, Colour]:
    shown = reading or "-"
    if text is None:
        return shown, INK
    return (shown, SURE) if reading == text else (f"{shown}  ({text})", DOUBTFUL)
