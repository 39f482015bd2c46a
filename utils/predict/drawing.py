"""Draws an image with the words that were found in it, each with its reading next to its box."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from data.augment.geometry import resize_matrix
from data.sample import transform_points
from utils.draw.boxes import draw_polygons, line_width
from utils.draw.fonts import legible
from utils.draw.palette import BACKGROUND, DOUBTFUL, FOUND, SURE, UNSURE, WHITE, Colour
from utils.draw.sheet import fitted
from utils.predict.predictor import Word

SURE_FROM, UNSURE_FROM = 0.8, 0.4
"""Minimum confidence of a green word and of an amber word; below that it is red. Words that were not read are blue."""

_OPACITY = 215
_LEGIBLE_SIDE, _MOST_ENLARGED = 1280, 4.0
"""Smaller images are enlarged, so that the readings are legible."""
_WORD_HEIGHT, _WORD_WIDTH, _MARGIN = 96, 1280, 12

_Box = tuple[float, float, float, float]


def draw_prediction(image: np.ndarray, words: Sequence[Word]) -> np.ndarray:
    """Draw the words of an image.

    Args:
        image: uint8 [H, W, 3].
        words: with outlines; or, for a picture of a word, the single word, whose reading is written below.

    Returns:
        uint8 [h, w, 3]; images with a longer side below 1280 pixels are enlarged.
    """
    if any(word.points is None for word in words):
        return _captioned(image, words[0])
    height, width = image.shape[:2]
    scale = min(max(1.0, _LEGIBLE_SIDE / max(height, width)), _MOST_ENLARGED)
    picture = np.ascontiguousarray(image).copy()
    if scale > 1:
        picture = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_CUBIC)
    enlarge = resize_matrix(picture.shape[1] / width, picture.shape[0] / height)
    outlines = [transform_points(np.asarray(word.points), enlarge) for word in words]
    thickness = max(2, line_width(picture) // 2)
    for outline, word in zip(outlines, words, strict=True):
        draw_polygons(picture, [outline], colour_of(word), thickness)
    return _tagged(picture, outlines, words)


def colour_of(word: Word) -> Colour:
    """Return the colour of a word's outline, which shows the confidence of its reading."""
    if word.confidence is None:
        return FOUND
    return SURE if word.confidence >= SURE_FROM else UNSURE if word.confidence >= UNSURE_FROM else DOUBTFUL


def _tagged(picture: np.ndarray, outlines: list[np.ndarray], words: Sequence[Word]) -> np.ndarray:
    """Write every word next to its outline, where it covers the other words and tags least."""
    base = Image.fromarray(picture).convert("RGBA")
    layer = Image.new("RGBA", base.size)
    draw = ImageDraw.Draw(layer)
    bounds = [(*outline.min(axis=0), *outline.max(axis=0)) for outline in outlines]
    least = max(13, round(max(base.size) / 90))
    tags: list[_Box] = []
    # Words with a higher confidence are placed first.
    for index in sorted(range(len(words)), key=lambda index: -(words[index].confidence or words[index].score or 0.0)):
        # The height of a slanted word is the shorter side of its minimum-area rectangle, not of its bounds.
        height = min(cv2.minAreaRect(outlines[index])[1])
        size = round(min(max(least, 0.65 * height), 2 * least))
        text, font = legible(_text(words[index]), size)
        share, small = legible(_share(words[index]), round(size * 0.7))
        pad = max(2, size // 5)
        gap = max(4, size // 3) if text else 0
        extent = (font.getlength(text) + gap + small.getlength(share) + 2 * pad, size * 1.25 + pad)
        other_bounds = bounds[:index] + bounds[index + 1 :]
        place = _place(bounds[index], extent, base.size, tags, other_bounds)
        tags.append(place)
        draw.rounded_rectangle(place, pad, (*BACKGROUND, _OPACITY))
        line = place[1] + pad / 2 + size
        draw.text((place[0] + pad, line), text, (*WHITE, 255), font, anchor="ls")
        draw.text((place[2] - pad, line), share, (*colour_of(words[index]), 255), small, anchor="rs")
    return np.array(Image.alpha_composite(base, layer).convert("RGB"))


def _place(
    bound: _Box, extent: tuple[float, float], size: tuple[int, int], tags: list[_Box], other_bounds: list[_Box]
) -> _Box:
    """Return (left, top, right, bottom) of a tag: above its word, or below, at its side, shifted, or over it."""
    left, top, right, bottom = bound
    width, height = extent
    corners = [
        (left, top - height - 2), (left, bottom + 2), (right - width, top - height - 2), (right - width, bottom + 2),
        (right + 2, top), (left - width - 2, top), (left, top - 2 * height - 4), (left, bottom + height + 4),
        (left, top),
    ]  # fmt: skip
    choices = []
    for preference, (x, y) in enumerate(corners):
        x, y = min(max(0.0, x), max(0.0, size[0] - width)), min(max(0.0, y), max(0.0, size[1] - height))
        place = (x, y, x + width, y + height)
        covered = 4 * _overlap(place, tags) + _overlap(place, other_bounds) + 0.5 * _overlap(place, [bound])
        choices.append((covered, preference, place))
    return min(choices)[2]


def _overlap(place: _Box, boxes: list[_Box]) -> float:
    """Return the sum of the areas of a rectangle's intersections with other boxes."""
    if not boxes:
        return 0.0
    many = np.asarray(boxes, np.float64)
    across = np.minimum(place[2], many[:, 2]) - np.maximum(place[0], many[:, 0])
    down = np.minimum(place[3], many[:, 3]) - np.maximum(place[1], many[:, 1])
    return float((np.clip(across, 0, None) * np.clip(down, 0, None)).sum())


def _captioned(image: np.ndarray, word: Word) -> np.ndarray:
    """Return a picture of a word at a legible size, its reading below it."""
    resized, _ = fitted(image, _WORD_WIDTH, _WORD_HEIGHT)
    height, width = resized.shape[:2]
    (text, font), (share, faint) = legible(_text(word), 26), legible(_share(word), 18)
    needed = round(font.getlength(text) + 10 + faint.getlength(share))
    sheet = Image.new("RGB", (max(width, needed) + 2 * _MARGIN, height + 3 * _MARGIN + 26), BACKGROUND)
    sheet.paste(Image.fromarray(resized), (_MARGIN, _MARGIN))
    draw = ImageDraw.Draw(sheet)
    line = height + 2 * _MARGIN + 22
    draw.text((_MARGIN, line), text, WHITE, font, anchor="ls")
    draw.text((_MARGIN + 10 + font.getlength(text), line), share, colour_of(word), faint, anchor="ls")
    return np.array(sheet)


def _text(word: Word) -> str:
    return "" if word.text is None else word.text or "-"


def _share(word: Word) -> str:
    value = word.score if word.confidence is None else word.confidence
    return "" if value is None else f"{100 * value:.0f} %"
