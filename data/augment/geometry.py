"""Random geometry as one matrix: scale, rotation, crop, flip and resize are composed, then the image is resampled
once and the boxes move by the same matrix.

Matrices map pixel coordinates to pixel coordinates (pixel centres are whole numbers), so a resize by r sends x to
(x + 0.5) r - 0.5, as `cv2.resize` does. The crops are those of EasyOCR's CRAFT trainer.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from config.schema.augmentation import Augmentation, RandomCrop
from data.augment.registry import GEOMETRIC, drawn
from data.sample import TextSample, transform_points

ALIASING_SCALE = 0.75
"""Images shrunk by more than this are smoothed before they are resampled."""

Window = tuple[float, float, float, float]
"""Left, top, width and height of a crop, in pixel edges of the canvas."""


def sample_matrix(rng: np.random.Generator, sample: TextSample, settings: Augmentation, output_size: int) -> np.ndarray:
    """Draw the homography [3, 3] from the pixels of `sample.image` to a square of `output_size` pixels."""
    height, width = sample.image.shape[:2]
    matrix = np.eye(3)
    if settings.random_scale.option:
        factor = float(rng.choice(settings.random_scale.range))
        matrix = resize_matrix(factor, factor) @ matrix
        height, width = height * factor, width * factor
    if settings.random_rotate.option:
        angle = math.radians(rng.uniform(-1, 1) * settings.random_rotate.max_angle)
        matrix = rotation_matrix(angle, ((width - 1) / 2, (height - 1) / 2)) @ matrix
    for further in drawn(GEOMETRIC, settings.geometric, rng):
        matrix = further((height, width), rng) @ matrix
    if settings.random_crop.option:
        words = transform_points(sample.word_quads[~sample.ignore], matrix)
        left, top, crop_width, crop_height = crop_window(rng, (height, width), words, settings.random_crop, output_size)
    else:
        left = top = 0.0
        crop_width = crop_height = float(max(height, width))
    matrix = translation_matrix(-left, -top) @ matrix
    matrix = resize_matrix(output_size / crop_width, output_size / crop_height) @ matrix
    if settings.random_horizontal_flip.option and rng.random() < 0.5:
        matrix = np.array([[-1, 0, output_size - 1], [0, 1, 0], [0, 0, 1.0]]) @ matrix
    return matrix


def crop_window(
    rng: np.random.Generator, size: tuple[float, float], words: np.ndarray, settings: RandomCrop, output_size: int
) -> Window:
    """Draw the crop. It reaches beyond the canvas only if the canvas is smaller than the crop.

    Args:
        size: height and width of the canvas.
        words: quads [W, 4, 2] on the canvas, for `random_crop_with_bbox`.
    """
    height, width = size
    if rng.random() >= settings.rnd_threshold:
        side = min(height, width)
        return (width - side) / 2, (height - side) / 2, side, side
    if settings.version == "random_resize_crop_synth":
        side = min(height, width)
        return rng.uniform(0, width - side), rng.uniform(0, height - side), side, side
    if settings.version == "random_resize_crop":
        return _area_window(rng, size, settings)
    if settings.version == "random_crop_with_bbox" and len(words):
        return _window_with_word(rng, size, words[rng.integers(len(words))], float(output_size))
    side = float(output_size)
    return _place(rng, width - side), _place(rng, height - side), side, side


def _place(rng: np.random.Generator, slack: float) -> float:
    """Draw an offset between 0 and `slack`, which is negative where the canvas is smaller than the crop."""
    return rng.uniform(min(slack, 0.0), max(slack, 0.0))


def _area_window(rng: np.random.Generator, size: tuple[float, float], settings: RandomCrop) -> Window:
    """Draw area and aspect ratio until the window fits; after ten tries take the largest centred window that fits."""
    height, width = size
    low, high = settings.ratio
    for _ in range(10):
        area = rng.uniform(*settings.scale) * height * width
        ratio = math.exp(rng.uniform(math.log(low), math.log(high)))
        crop_width, crop_height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if crop_width <= width and crop_height <= height:
            left, top = rng.uniform(0, width - crop_width), rng.uniform(0, height - crop_height)
            return left, top, crop_width, crop_height
    ratio = min(max(width / height, low), high)
    crop_width, crop_height = min(width, height * ratio), min(height, width / ratio)
    return (width - crop_width) / 2, (height - crop_height) / 2, crop_width, crop_height


def _window_with_word(rng: np.random.Generator, size: tuple[float, float], word: np.ndarray, side: float) -> Window:
    """Draw a square on the canvas that contains the whole word, or as much of its middle as fits."""
    offsets = []
    for axis, extent in ((0, size[1]), (1, size[0])):
        low, high = float(word[:, axis].min()), float(word[:, axis].max())
        first, last = high - side, low
        if first > last:
            first = last = (low + high - side) / 2
        first, last = (np.clip(edge, min(0.0, extent - side), max(0.0, extent - side)) for edge in (first, last))
        offsets.append(float(rng.uniform(first, last)))
    return offsets[0], offsets[1], side, side


def warp_sample(sample: TextSample, matrix: np.ndarray, output_size: int) -> TextSample:
    """Resample the image once through `matrix` [3, 3] and carry all quads along; beyond the image it is black."""
    image = sample.image
    scale = math.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if scale < ALIASING_SCALE:
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * math.sqrt(1 / scale**2 - 1))
    if np.array_equal(matrix[2], (0, 0, 1)):
        image = cv2.warpAffine(image, matrix[:2], (output_size, output_size), flags=cv2.INTER_LINEAR)
    else:
        image = cv2.warpPerspective(image, matrix, (output_size, output_size), flags=cv2.INTER_LINEAR)
    return sample.transformed(image, matrix)


def translation_matrix(x: float, y: float) -> np.ndarray:
    """Return the shift by (x, y) pixels, float64 [3, 3]."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def resize_matrix(x: float, y: float) -> np.ndarray:
    """Return the resize by factors x and y, float64 [3, 3]; the edges of the image stay its edges."""
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)


def rotation_matrix(angle: float, centre: tuple[float, float]) -> np.ndarray:
    """Return the rotation by `angle` radians, counter-clockwise as seen, about `centre` (x, y), float64 [3, 3]."""
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float64)
    return translation_matrix(*centre) @ turn @ translation_matrix(-centre[0], -centre[1])
