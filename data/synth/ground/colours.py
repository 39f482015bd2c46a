"""Colours: palettes of backgrounds, and text colours that contrast with their background."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np

from config.schema.generation import LookSettings
from data.augment.levels import two_percentiles

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of R, G and B in the luminance (ITU-R BT.601)."""
_BAND_PIXELS = 1 << 15
"""Pictures are blended in bands of so many pixels, which stay in the cache and need no memory of their size."""


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """Return an RGB colour, float32 [3] in 0..255; about a third of them nearly grey."""
    saturation = rng.random() * (0.15 if rng.random() < 0.35 else 0.9)
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, 0.1 + 0.9 * rng.random()), np.float32) * 255


def random_palette(rng: np.random.Generator, count: int) -> list[np.ndarray]:
    """Return `count` RGB colours, float32 [3] each, in 0..255.

    The first is drawn at random; each of the others is, with equal probability, a lighter or darker shade of it, or
    drawn at random as well.
    """
    base = random_colour(rng)
    palette = [base]
    for _ in range(count - 1):
        if rng.random() < 0.5:
            palette.append(np.clip(base * (0.5 + rng.random()) + rng.normal(0, 15, 3), 0, 255).astype(np.float32))
        else:
            palette.append(random_colour(rng))
    return palette


def with_luma(colour: np.ndarray, luma: float) -> np.ndarray:
    """Return a colour of about the same hue with another luminance.

    Args:
        colour: RGB, float [3] in 0..255.
        luma: the luminance wanted, 0..255.

    Returns:
        RGB, float [3] in 0..255.
    """
    luma = float(np.clip(luma, 0, 255))
    present = float(colour @ LUMA)
    if luma <= present:
        return colour * (luma / max(present, 1e-3))
    return 255 - (255 - colour) * ((255 - luma) / max(255 - present, 1e-3))


def text_colour(background: np.ndarray, settings: LookSettings, rng: np.random.Generator) -> np.ndarray:
    """Return an RGB colour, float32 [3], that contrasts with the pixels it will be drawn on.

    The contrast is the distance to the 10th percentile of the background's luminance for darker text, to the 90th for
    lighter text. So text on a busy background is darker or lighter than nearly all of it. If neither direction allows
    the contrast that was drawn, the direction that allows more is used, as far as possible.

    Args:
        background: uint8 [h, w, 3], the pixels beneath the text.
        settings: range of contrasts.
        rng: source of randomness.
    """
    luma = background.reshape(-1, 3)[:: max(1, background.size // 6000)] @ LUMA
    dark, light = two_percentiles(luma, 0.1, 0.9)
    low, high = settings.low_contrast_range if rng.random() < settings.low_contrast else settings.contrast
    room_below, room_above = dark, 255 - light
    room = max(room_below, room_above)
    contrast = min(low + (min(high, max(low, room)) - low) * rng.random(), room)
    sides = [side for side, free in ((-1, room_below), (1, room_above)) if free >= contrast - 1e-3]
    side = sides[int(rng.integers(len(sides)))]
    return with_luma(random_colour(rng), dark - contrast if side < 0 else light + contrast)


def bands(height: int, width: int) -> list[slice]:
    """Return the rows of a picture, cut into bands that fit into the processor's cache."""
    step = max(1, _BAND_PIXELS // width)
    return [slice(top, min(top + step, height)) for top in range(0, height, step)]


def blend(image: np.ndarray, weight: np.ndarray, colour: np.ndarray) -> None:
    """Lay a colour over an image, in place: image + (colour - image) * weight.

    Args:
        image: float32 [h, w, 3], contiguous.
        weight: float32 [h, w], 0..1.
        colour: float32 [3], [h, 1, 3] or [h, w, 3].
    """
    height, width = weight.shape
    # numpy is slow where its innermost axis is as short as the three channels: here it is a row of the image.
    flat = image.reshape(height, 3 * width)
    if colour.ndim == 1:
        colour = np.tile(colour, width)[None]
    else:
        colour = np.broadcast_to(colour, image.shape).reshape(height, 3 * width)
    for rows in bands(height, width):
        band = flat[rows]
        change = (colour if len(colour) == 1 else colour[rows]) - band
        change *= cv2.merge([weight[rows]] * 3).reshape(band.shape)
        band += change
