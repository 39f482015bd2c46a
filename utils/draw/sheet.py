"""The layout of every sheet: pictures in rows, each with a caption, below a title and a legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw

from data.augment.geometry import resize_matrix
from utils.draw.fonts import legible
from utils.draw.palette import BACKGROUND, FAINT, INK, OUTLINE, Colour

CAPTION_SIZE, TITLE_SIZE = 14, 20
_CAPTION_LINE, _TITLE_LINE = 24, 34


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet.

    Attributes:
        picture: uint8 [H, W, 3], RGB.
        caption: the line below it.
        colour: of the caption.
    """

    picture: np.ndarray
    caption: str = ""
    colour: Colour = FAINT


@dataclass(frozen=True)
class Header:
    """What stands above the pictures of a sheet.

    Attributes:
        title: the first line.
        legend: colours with their meanings, in the second line.
        notes: further lines.
    """

    title: str
    legend: Sequence[tuple[Colour, str]]
    notes: Sequence[str] = ()


def lay_out(cells: Sequence[Cell], width: int, header: Header | None = None, gap: int = 16) -> np.ndarray:
    """Lay pictures out in reading order, with a new row where the next picture or its caption does not fit.

    Args:
        cells: the pictures; one wider than a row is cut, a longer caption is shortened in its middle.
        width: of the sheet, pixels.
        header: what stands above them.
        gap: between the pictures and around them, pixels.

    Returns:
        uint8 [H, width, 3], RGB.
    """
    room = width - 2 * gap
    captions = [_shortened(cell.caption, CAPTION_SIZE, room) for cell in cells]
    rows: list[list[tuple[int, int]]] = []  # index and left edge of each cell
    left = width
    for index, (cell, caption) in enumerate(zip(cells, captions, strict=True)):
        extent = max(min(cell.picture.shape[1], room), _length(caption, CAPTION_SIZE))
        if left + extent + gap > width:
            rows.append([])
            left = gap
        rows[-1].append((index, left))
        left += extent + gap
    below = gap + (_CAPTION_LINE if any(captions) else 0)
    heights = [max(cells[index].picture.shape[0] for index, _ in row) + below for row in rows]
    top = gap + (_TITLE_LINE + _CAPTION_LINE * (1 + len(header.notes)) if header else 0)
    sheet = Image.new("RGB", (width, top + sum(heights)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    if header:
        _write_header(draw, header, width, gap)
    for row, height in zip(rows, heights, strict=True):
        for index, left in row:
            picture = cells[index].picture[:, :room]
            sheet.paste(Image.fromarray(picture), (left, top))
            _write(draw, (left, top + picture.shape[0] + 5), captions[index], cells[index].colour)
        top += height
    return np.array(sheet)


def fitted(image: np.ndarray, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Resize an image to fill a box, its proportions kept.

    Args:
        image: uint8 [H, W, 3].
        width: greatest width, pixels.
        height: greatest height, pixels.

    Returns:
        The image, uint8 [h, w, 3], and the matrix float64 [3, 3] from its old pixels to its new ones.
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    return resized, resize_matrix(size[0] / image.shape[1], size[1] / image.shape[0])


def centred(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return a picture, uint8 [h, w, 3], in the middle of a dark one, uint8 [height, width, 3]."""
    canvas = np.full((height, width, 3), BACKGROUND, np.uint8)
    top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def beside(pictures: Sequence[np.ndarray], gap: int = 8, axis: int = 1) -> np.ndarray:
    """Join pictures that belong together, parted by a dark gap.

    Args:
        pictures: uint8 [H, W, 3] each, of the same height (of the same width along axis 0).
        gap: between them, pixels.
        axis: 1 puts them side by side, 0 one below the other.

    Returns:
        uint8 [H, W, 3].
    """
    shape = list(pictures[0].shape)
    shape[axis] = gap
    bar = np.full(shape, OUTLINE, np.uint8)
    return np.concatenate([part for picture in pictures for part in (picture, bar)][:-1], axis=axis)


def _write_header(draw: ImageDraw.ImageDraw, header: Header, width: int, gap: int) -> None:
    _write(draw, (gap, 12), _shortened(header.title, TITLE_SIZE, width - 2 * gap), INK, TITLE_SIZE)
    left, top = gap, 12 + _TITLE_LINE
    for colour, name in header.legend:
        draw.rounded_rectangle((left, top + 2, left + 13, top + 15), 3, colour)
        _write(draw, (left + 20, top), name, FAINT)
        left += 20 + _length(name, CAPTION_SIZE) + 18
    for note in header.notes:
        top += _CAPTION_LINE
        _write(draw, (gap, top), _shortened(note, CAPTION_SIZE, width - 2 * gap), FAINT)


def _write(
    draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, colour: Colour, size: int = CAPTION_SIZE
) -> None:
    shown, font = legible(text, size)
    draw.text(place, shown, colour, font)


def _length(text: str, size: int) -> int:
    """Return the width of a text as it is drawn, pixels."""
    shown, font = legible(text, size)
    return math.ceil(font.getlength(shown))


def _shortened(text: str, size: int, room: int) -> str:
    """Leave out the middle of a text that is too long, where the least telling part of a path stands."""
    kept, short = len(text), text
    while kept > 8 and _length(short, size) > room:
        kept -= 1
        short = f"{text[: kept // 2]}...{text[len(text) - (kept + 1) // 2 :]}"
    return short
