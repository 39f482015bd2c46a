"""Gaussian noise, as an augmentation of images and of pictures of words."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from data.augment.registry import PHOTOMETRIC, WORD
from data.draws import between

Levels = Annotated[list[Annotated[float, Field(ge=0, le=255)]], Field(min_length=2, max_length=2)]


@WORD.register("gaussian_noise")
@PHOTOMETRIC.register("gaussian_noise")
def gaussian_noise(image: np.ndarray, rng: np.random.Generator, *, sigma: Levels) -> np.ndarray:
    """Return the image with normal noise added, independent in each pixel and channel.

    Args:
        image: uint8 [H, W] or [H, W, 3].
        rng: source of randomness.
        sigma: least and greatest standard deviation, in grey levels, 0..255.

    Returns:
        uint8, of the same shape.
    """
    noise = rng.standard_normal(image.shape, np.float32) * np.float32(between(rng, sigma))
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
