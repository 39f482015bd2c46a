"""One picture of some words with what was read of them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from utils.draw.fonts import legible
from utils.draw.maps import Colour

WIDTH, HEIGHT, LONGEST, MARGIN, CAPTION = 1280, 48, 400, 12, 22
BACKGROUND: Colour = (20, 21, 26)
INK: Colour = (235, 235, 240)
RIGHT: Colour = (52, 199, 89)
WRONG: Colour = (255, 105, 97)


def draw_readings(images: Sequence[np.ndarray], texts: Sequence[str | None], readings: Sequence[str]) -> np.ndarray:
    """Draw words with their readings below: green where it is right, else red with the label behind it.

    Args:
        images: uint8 [H, W, 1 or 3] each.
        texts: the labels; None where there is none, which is written in white.
        readings: what was read.

    Returns:
        uint8 [H, 1280, 3], RGB.
    """
    cells = [
        (_scaled(image), *_caption(text, reading)) for image, text, reading in zip(images, texts, readings, strict=True)
    ]
    written = [legible(caption, 15) for _, caption, _ in cells]
    places, left, top = [], MARGIN, MARGIN
    for (picture, _, _), (caption, font) in zip(cells, written, strict=True):
        width = max(picture.shape[1], int(font.getlength(caption)))
        if left > MARGIN and left + width + MARGIN > WIDTH:
            left, top = MARGIN, top + HEIGHT + CAPTION + MARGIN
        places.append((left, top))
        left += width + MARGIN
    sheet = Image.new("RGB", (WIDTH, top + HEIGHT + CAPTION + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for (picture, _, colour), (caption, font), (left, top) in zip(cells, written, places, strict=True):
        sheet.paste(Image.fromarray(picture), (left, top))
        draw.text((left, top + HEIGHT + 2), caption, colour, font)
    return np.array(sheet)


def _scaled(image: np.ndarray) -> np.ndarray:
    if image.shape[2] == 1:
        image = np.repeat(image, 3, axis=2)
    width = min(LONGEST, max(1, round(image.shape[1] * HEIGHT / image.shape[0])))
    return cv2.resize(np.ascontiguousarray(image), (width, HEIGHT), interpolation=cv2.INTER_AREA)


def _caption(text: str | None, reading: str) -> tuple[str, Colour]:
    shown = reading or "-"
    if text is None:
        return shown, INK
    return (shown, RIGHT) if reading == text else (f"{shown}  ({text})", WRONG)
