"""Words cut out of their image and rectified, all at the height at which the teacher reads them.

The rule for vertical words is that of EasyOCR's CRAFT trainer, which follows the authors of CRAFT ("vertical if
h > 2w"). That trainer turns vertical words by 90 degrees. Here they stay vertical, because characters written below
each other are upright, and the teacher was trained on upright characters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from data.heatmap.gaussian import HORIZON
from data.heatmap.homography import square_to_quads
from data.pseudo_label.records import WordKind
from data.readers.quads import CROSSING, NOT_FINITE, ZERO_AREA, outside_image, quad_faults

VERTICAL_ABOVE = 2.0
"""A word is written downwards if its box is more than this many times as high as wide."""
MAYBE_VERTICAL_ABOVE, SHORT_CHARACTER = 1.6, 2.4
"""A word is also written downwards if its box is more than 1.6 times as high as wide and its characters, if they were
below each other, would be more than 2.4 times as wide as high."""

MAX_ASPECT = 32
"""A crop is at most this many times as long as high; a longer word is made smaller and keeps its aspect ratio."""

AVERAGE_FROM = 2
"""At this many image pixels per pixel of the crop, or more, the image is first shrunk by averaging over areas, because
bilinear sampling would skip pixels."""
MAX_SIDE = 30_000
"""OpenCV warps no larger image than 32767 pixels."""


@dataclass(frozen=True)
class WordCrop:
    """A word cut out of its image.

    Attributes:
        pixels: uint8 [H, W, 3], RGB.
        matrix: float64 [3, 3], homography from the crop's pixels to the image's.
        vertical: the characters are below each other.
        border: pixels of surroundings on each side of the word; even.
    """

    pixels: np.ndarray
    matrix: np.ndarray
    vertical: bool
    border: int = 0

    @property
    def word_shape(self) -> tuple[int, int]:
        """Height and width of the word itself."""
        return self.pixels.shape[0] - 2 * self.border, self.pixels.shape[1] - 2 * self.border

    def without_pixels(self) -> WordCrop:
        """Return the crop with black pixels of the same shape that take no memory."""
        return replace(self, pixels=np.broadcast_to(np.uint8(0), self.pixels.shape))


def word_faults(quads: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the `WordKind` of quads that cannot be cut out of an image, 0 for the others.

    Args:
        quads: float [W, 4, 2], in pixels of the image.
        height, width: of the image.

    Returns:
        uint8 [W].
    """
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    codes = quad_faults(quads)
    names = {NOT_FINITE: WordKind.NOT_FINITE, ZERO_AREA: WordKind.ZERO_AREA, CROSSING: WordKind.CROSSING}
    kinds = np.zeros(len(quads), np.uint8)
    for code, kind in names.items():
        kinds[codes == code] = kind
    usable = np.flatnonzero(kinds == 0)
    matrices = square_to_quads(quads[usable])
    corners = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], np.float64)
    depth = np.einsum("nj,cj->nc", matrices[:, 2], corners)
    # NaN compares false: a quad without a homography is not convex either.
    kinds[usable[~(depth.min(axis=1, initial=np.inf) >= HORIZON)]] = WordKind.NOT_CONVEX
    kinds[usable[outside_image(quads[usable], height, width)]] = WordKind.OUTSIDE
    return kinds


def is_vertical(quad: np.ndarray, characters: int) -> bool:
    """Tell whether a word is written downwards; one character has no direction and counts as horizontal.

    Args:
        quad: float [4, 2].
        characters: number of characters, spaces not counted.
    """
    width, height = quad_size(quad)
    if characters < 2:
        return False
    short_in_characters = width / (height / characters)
    return height > VERTICAL_ABOVE * width or (
        height > MAYBE_VERTICAL_ABOVE * width and short_in_characters > SHORT_CHARACTER
    )


def quad_size(quad: np.ndarray) -> tuple[float, float]:
    """Return width and height of a quad, float [4, 2], in its units: the longer ones of its opposite sides."""
    sides = np.linalg.norm(np.roll(np.asarray(quad, np.float64), -1, axis=0) - quad, axis=1)
    return float(max(sides[0], sides[2])), float(max(sides[1], sides[3]))


def cut_word(
    image: np.ndarray, quad: np.ndarray, *, vertical: bool, crop_height: int, margin: float, fill: tuple
) -> WordCrop:
    """Rectify a word by perspective, with its surroundings.

    Args:
        image: uint8 [H, W, 3].
        quad: float [4, 2] without a fault by `word_faults`, in pixels of the image.
        vertical: the word is written downwards.
        crop_height: side of the crop across the reading direction, pixels.
        margin: surroundings on each of the four sides, as a share of the word's extent across the reading direction.
        fill: colour of what lies outside the image, 0..255 for each channel.
    """
    border, shape = crop_layout(quad, vertical, crop_height, margin)
    matrix = crop_matrix(quad, shape) @ np.array([[1, 0, -border], [0, 1, -border], [0, 0, 1]], np.float64)
    size = (shape[1] + 2 * border, shape[0] + 2 * border)
    # Widths are compared with widths and heights with heights; the smaller reduction counts.
    reduction = min(np.array(quad_size(quad)) / shape[::-1])
    source, to_source = _surroundings(image, matrix, size, reduction)
    pixels = cv2.warpPerspective(
        source,
        to_source @ matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=fill,
    )
    return WordCrop(pixels, matrix, vertical, border)


def crop_layout(quad: np.ndarray, vertical: bool, crop_height: int, margin: float) -> tuple[int, tuple[int, int]]:
    """Return the crop's border, and height and width of the word within it, whose aspect ratio is kept; all in pixels.

    The border is even, so that it corresponds to a whole number of pixels of the score map.

    Args:
        quad: of the word, float [4, 2], image pixels.
        vertical: the word is written downwards.
        crop_height: side of the crop across the reading direction, pixels.
        margin: surroundings on each side, as a share of the word's extent across the reading direction.
    """
    width, height = quad_size(quad)
    length, thickness = (height, width) if vertical else (width, height)
    border = 2 * round(crop_height * margin / (1 + 2 * margin) / 2)
    scale = (crop_height - 2 * border) / max(thickness, length / MAX_ASPECT)
    across, along = max(1, round(thickness * scale)), max(1, round(length * scale))
    return border, ((along, across) if vertical else (across, along))


def crop_matrix(quad: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the homography, float64 [3, 3], from a picture of a word to the word's quad in the image, edge to edge.

    Args:
        quad: float [4, 2], image pixels.
        shape: height and width of the picture, pixels.
    """
    height, width = shape
    to_square = np.array([[2 / width, 0, 1 / width - 1], [0, 2 / height, 1 / height - 1], [0, 0, 1]], np.float64)
    return square_to_quads(np.asarray(quad)[None])[0] @ to_square


def _surroundings(
    image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], reduction: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of an image that a crop shows, shrunk by averaging if the crop is much smaller.

    So a large image takes no more time than a small one.

    Args:
        image: uint8 [H, W, 3].
        matrix: from the crop's pixels to the image's.
        size: width and height of the crop.
        reduction: image pixels per pixel of the crop.

    Returns:
        The part, and the homography [3, 3] from the image to it.
    """
    corners = np.array([[0, 0, 1], [size[0], 0, 1], [0, size[1], 1], [*size, 1]], np.float64) @ matrix.T
    limit = np.array(image.shape[1::-1])
    low, high = np.zeros(2, np.int64), limit
    if corners[:, 2].min() > 0:  # otherwise the crop's surroundings reach beyond the horizon
        points = np.clip(corners[:, :2] / corners[:, 2:], -2.0, limit + 2.0)
        low = np.clip(np.floor(points.min(axis=0)).astype(np.int64) - 2, 0, limit - 1)
        high = np.clip(np.ceil(points.max(axis=0)).astype(np.int64) + 3, low + 1, limit)
    part = np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])
    to_part = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]], np.float64)
    shrink = max(int(reduction) if reduction >= AVERAGE_FROM else 1, -(-max(part.shape[:2]) // MAX_SIDE))
    if shrink > 1:
        small = (max(1, part.shape[1] // shrink), max(1, part.shape[0] // shrink))
        sx, sy = small[0] / part.shape[1], small[1] / part.shape[0]
        part = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        to_part = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]]) @ to_part
    return part, to_part
