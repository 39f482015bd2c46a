"""Random colour jitter as torchvision defines it, on uint8 arrays and with a given random generator."""

from __future__ import annotations

import cv2
import numpy as np

from config.schema.augmentation import RandomColorJitter

HUE_STEPS = 180
"""OpenCV's hue of an 8-bit image counts in units of two degrees."""


def color_jitter(rng: np.random.Generator, image: np.ndarray, settings: RandomColorJitter) -> np.ndarray:
    """Return an RGB image, uint8 [H, W, 3], with brightness, contrast, saturation and hue changed at random.

    The four changes are applied in an order drawn at random, as torchvision's `ColorJitter` does.
    """
    factors = {
        adjust_brightness: _factor(rng, settings.brightness),
        adjust_contrast: _factor(rng, settings.contrast),
        adjust_saturation: _factor(rng, settings.saturation),
        adjust_hue: rng.uniform(-settings.hue, settings.hue),
    }
    changes = list(factors.items())
    for index in rng.permutation(len(changes)):
        adjust, factor = changes[index]
        image = adjust(image, float(factor))
    return image


def _factor(rng: np.random.Generator, strength: float) -> float:
    return rng.uniform(max(0.0, 1 - strength), 1 + strength)


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image, uint8 [H, W, 3], multiplied by `factor`."""
    return cv2.convertScaleAbs(image, alpha=factor)


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an RGB image, uint8 [H, W, 3], blended with its mean grey: 0 is that grey, 1 the image."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean = cv2.sumElems(grey)[0] / grey.size
    table = np.clip(np.arange(256) * factor + mean * (1 - factor), 0, 255)
    return cv2.LUT(image, np.rint(table).astype(np.uint8))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an RGB image, uint8 [H, W, 3], blended with its grey version: 0 is grey, 1 the image."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def adjust_hue(image: np.ndarray, shift: float) -> np.ndarray:
    """Return an RGB image, uint8 [H, W, 3], with its hue turned by `shift` of the colour circle, -0.5..0.5."""
    steps = round(shift * HUE_STEPS)
    if steps == 0:
        return image
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    table = (np.arange(256) + steps) % HUE_STEPS
    hsv[..., 0] = cv2.LUT(hsv[..., 0], table.astype(np.uint8))
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
