"""Random changes of a training picture of a word: one warp, then effects of light, lens, sensor and compression.

The size of the picture does not change, so its place among pictures of similar width and the number of time steps for
its label are not random. The effects of the camera are those of the generator (`data.augment.effects`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from config.schema.augmentation import NamedAugmentation
from config.schema.word_data import WordAugmentation
from data.augment.effects import add_noise, disc_kernel, expose, motion_kernel
from data.augment.geometry import resize_matrix, rotation_matrix, translation_matrix
from data.augment.registry import WORD, changed
from data.draws import between, between_log, whole
from data.recognition.preprocess import WordPreprocess, enlarge
from data.sample import transform_points

MOST_RISE = 0.5
"""The middle line of a turned word rises by at most this, from end to end, in units of the height."""


def augmented(
    image: np.ndarray,
    preprocess: WordPreprocess,
    settings: WordAugmentation,
    rng: np.random.Generator,
    extra: Sequence[NamedAugmentation] = (),
) -> np.ndarray:
    """Return a picture, uint8 [H, W, 3] RGB, as `preprocess.fit` returns it, but changed at random.

    If no change is drawn, the result is bit for bit that of `fit`.

    Args:
        image: the picture.
        preprocess: fits it to the network.
        settings: what may happen.
        rng: source of randomness.
        extra: further changes by name, after those of `settings`.
    """
    image = preprocess.resize(image, lambda picture, size: warp(picture, size, settings, rng))
    flat = image[..., 0] if image.shape[2] == 1 else image
    # Padding comes after the camera: it repeats the edge of the finished picture.
    flat = changed(WORD, extra, camera(flat, settings, rng), rng)
    return preprocess.pad(flat.reshape(image.shape))


def warp(image: np.ndarray, size: tuple[int, int], settings: WordAugmentation, rng: np.random.Generator) -> np.ndarray:
    """Resize a picture and change its geometry, in one resampling; outside the picture its border is repeated.

    Args:
        image: uint8 [H, W] or [H, W, 3].
        size: width and height of the result.
        settings: what may happen.
        rng: source of randomness.
    """
    matrix = draw_matrix(size, settings, rng)
    shifts = draw_shifts(size, settings, rng)
    if matrix is None and shifts is None:
        return enlarge(image, size)
    matrix = np.eye(3) if matrix is None else matrix
    matrix = matrix @ resize_matrix(size[0] / image.shape[1], size[1] / image.shape[0])
    if shifts is None:
        return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shifts[..., 0] += np.arange(size[0], dtype=np.float32)
    shifts[..., 1] += np.arange(size[1], dtype=np.float32)[:, None]
    source = cv2.perspectiveTransform(shifts, np.linalg.inv(matrix))
    return cv2.remap(image, source, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def draw_matrix(size: tuple[int, int], settings: WordAugmentation, rng: np.random.Generator) -> np.ndarray | None:
    """Draw the homography, float64 [3, 3], from the pixels of a resized picture to those of the changed one, or None.

    The picture is sheared and rotated, and its corners are moved; the bounding box of the result, extended by the
    margins, becomes the new picture. So nothing is cut off, except by negative margins.

    Args:
        size: width and height of the picture, pixels.
        settings: what may happen.
        rng: source of randomness.
    """
    width, height = size
    centre = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.eye(3)
    if _happens(rng, settings.shear.probability):
        lean = math.tan(math.radians(rng.uniform(-1, 1) * settings.shear.max_angle))
        leaning = np.array([[1, lean, 0], [0, 1, 0], [0, 0, 1]], np.float64)
        matrix = translation_matrix(*centre) @ leaning @ translation_matrix(-centre[0], -centre[1])
    if _happens(rng, settings.rotation.probability):
        most = min(math.radians(settings.rotation.max_angle), math.atan(MOST_RISE * height / width))
        matrix = rotation_matrix(rng.uniform(-1, 1) * most, centre) @ matrix
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5
    moved = transform_points(corners, matrix)
    if _happens(rng, settings.perspective.probability):
        # No corner may pass the middle: a picture that is narrower than high would be mirrored.
        reach = settings.perspective.strength * min(height, width)
        moved = moved + rng.uniform(-reach, reach, (4, 2))
    margins = np.zeros(4)
    if _happens(rng, settings.margin.probability):
        margins = np.array([between(rng, settings.margin.range) for _ in range(4)]) * min(height, width)
    if np.array_equal(moved, corners) and not margins.any():
        return None
    low = moved.min(axis=0) - margins[:2]
    high = moved.max(axis=0) + margins[2:]
    # Edges are half a pixel outside the centres of the outer pixels.
    moved = (moved - low) * (np.array(size) / (high - low)) - 0.5
    return cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))


def draw_shifts(size: tuple[int, int], settings: WordAugmentation, rng: np.random.Generator) -> np.ndarray | None:
    """Draw a smooth field of shifts, float32 [height, width, 2] in pixels, or None: normal values on a coarse grid,
    interpolated by cubics."""
    elastic = settings.elastic
    if not _happens(rng, elastic.probability):
        return None
    width, height = size
    step = elastic.spacing * height
    grid = (max(2, math.ceil(height / step) + 1), max(2, math.ceil(width / step) + 1), 2)
    coarse = rng.standard_normal(grid, np.float32) * np.float32(elastic.strength * height)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def camera(image: np.ndarray, settings: WordAugmentation, rng: np.random.Generator) -> np.ndarray:
    """Return a picture as a worse camera would take it.

    Args:
        image: uint8 [H, W] or [H, W, 3] RGB, at the size the network sees.
        settings: what may happen.
        rng: source of randomness.
    """
    height, width = image.shape[:2]
    image = _light(image, settings, rng)
    if _happens(rng, settings.blur.probability) and (sigma := between(rng, settings.blur.range) * height) > 0.05:
        image = cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    if _happens(rng, settings.defocus.probability) and (radius := between(rng, settings.defocus.range) * height) > 0.3:
        image = cv2.filter2D(image, -1, disc_kernel(radius), borderType=cv2.BORDER_REPLICATE)
    if _happens(rng, settings.motion.probability):
        length, angle = between(rng, settings.motion.range) * height, rng.uniform(0, np.pi)
        if length > 1:
            image = cv2.filter2D(image, -1, motion_kernel(length, angle), borderType=cv2.BORDER_REPLICATE)
    if _happens(rng, settings.low_resolution.probability):
        factor = between(rng, settings.low_resolution.range)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
    if _happens(rng, settings.noise.probability):
        deviation = between(rng, settings.noise.range)
        # The noise of the generator needs three channels.
        noisy = add_noise(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2), deviation, rng)
        image = noisy if image.ndim == 3 else np.ascontiguousarray(noisy[..., 0])
    if _happens(rng, settings.jpeg.probability):
        image = _recompressed(image, whole(rng, settings.jpeg.range))
    return image


def _light(image: np.ndarray, settings: WordAugmentation, rng: np.random.Generator) -> np.ndarray:
    if _happens(rng, settings.gamma.probability):
        levels = np.rint(255 * (np.arange(256) / 255) ** between_log(rng, settings.gamma.range))
        image = cv2.LUT(image, levels.astype(np.uint8))
    gain = between(rng, settings.contrast.range) if _happens(rng, settings.contrast.probability) else 1.0
    offset = 255 * between(rng, settings.brightness.range) if _happens(rng, settings.brightness.probability) else 0.0
    if (gain, offset) != (1.0, 0.0):
        image = expose(image, gain, offset)
    return 255 - image if _happens(rng, settings.invert.probability) else image


def _recompressed(image: np.ndarray, quality: int) -> np.ndarray:
    """Return a picture after compression as JPEG."""
    colour = image.ndim == 3
    written = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if colour else image
    _, data = cv2.imencode(".jpg", written, [cv2.IMWRITE_JPEG_QUALITY, quality])
    read = cv2.imdecode(data, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
    return cv2.cvtColor(read, cv2.COLOR_BGR2RGB) if colour else read


def _happens(rng: np.random.Generator, probability: float) -> bool:
    """Draw whether something happens; this takes one value from `rng`, even if the probability is 0."""
    return bool(rng.random() < probability)
