"""Augmentations by name: what a YAML lists under `geometric`, `photometric` (detection) and `extra_augment` (words).

Each is a function in a file of this folder, decorated with `REGISTRY.register(NAME)`. Its keyword-only parameters are
the options of the YAML; everything random in it comes from the generator that it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from config.registry import Registry
from config.schema.augmentation import NamedAugmentation

Change = Callable[..., np.ndarray]

GEOMETRIC: Registry[Change] = Registry("geometric augmentation", "geometric.N.name", package="data.augment")
"""Functions that take (size, rng), size being height and width of the image in pixels, and return a homography, float
[3, 3], from pixels to pixels (pixel centres are whole numbers). The size of the image stays. All homographies are
composed, and the image is resampled once."""

PHOTOMETRIC: Registry[Change] = Registry("photometric augmentation", "photometric.N.name", package="data.augment")
"""Functions that take (image, rng), uint8 [H, W, 3] RGB, and return an image of the same size and type."""

WORD: Registry[Change] = Registry("word augmentation", "extra_augment.N.name", package="data.augment")
"""Functions that take (picture, rng), uint8 [H, W] or [H, W, 3] RGB, and return a picture of the same size and type."""


def drawn(
    registry: Registry[Change], wanted: Sequence[NamedAugmentation], rng: np.random.Generator
) -> Iterator[Callable[..., np.ndarray]]:
    """Yield the augmentations that are applied to a sample: functions with their options filled in.

    They return a homography, float [3, 3], or an image, uint8 [H, W] or [H, W, 3]; see the registries above. Whether an
    augmentation is applied is drawn just before it is yielded.

    Args:
        registry: where the names are registered.
        wanted: names, options and probabilities, in the order of the YAML.
        rng: source of randomness.
    """
    for augmentation in wanted:
        if rng.random() < augmentation.probability:
            yield registry.bind(augmentation.name, augmentation.options)


def changed(
    registry: Registry[Change], wanted: Sequence[NamedAugmentation], image: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return an image, uint8 [H, W] or [H, W, 3], after the augmentations that `drawn` yields for it.

    Raises:
        ValueError: a function returned an image of another size or type.
    """
    shape = image.shape
    for change in drawn(registry, wanted, rng):
        image = change(image, rng)
        if image.shape != shape or image.dtype != np.uint8:
            raise ValueError(f"{change} returned {image.dtype} {image.shape} for uint8 {shape}")
    return image


def check_names(registry: Registry[Any], wanted: Sequence[NamedAugmentation], at: str) -> None:
    """Refuse names and options that do not exist.

    Args:
        registry: where they have to be registered.
        wanted: the list of the YAML.
        at: the key of that list.

    Raises:
        UserError: naming the first one that does not exist.
    """
    for index, augmentation in enumerate(wanted):
        registry.bind(augmentation.name, augmentation.options, at=f"{at}.{index}.name")
