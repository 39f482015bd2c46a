"""The background of a crop: one colour, a piece of a photo, or a pattern, not larger than needed."""

from __future__ import annotations

import colorsys
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from config.schema.generation import GenerateConfig
from data.draws import between, between_log, pick, stable_hash
from data.synth.ground.backgrounds import add_grain, make_background
from data.synth.ground.colours import random_colour
from data.synth.ground.photos import load_photo
from data.synth.resources import Resources

_RUN = 64
"""Number of crops in a row that use one photo, because decoding it takes longer than drawing several crops."""
_PART = (1024, 768)
"""Width and height of the part of a photo that is kept, pixels."""
_PLACES = 3
"""Number of pieces of a photo to compare; the smoothest is used, because people write on smooth surfaces."""
_SIGN_HUES = (0.0, 5.0, 30.0, 40.0, 52.0, 110.0, 150.0, 200.0, 215.0, 225.0)
"""Hues, in degrees, around which the colours of signs lie."""
_ZOOM = (0.6, 3.0)
"""Pixels of the photo for each pixel of the crop."""


_Key = tuple[Path, int, str, int, float, float]


class PhotoCache:
    """A process's cache of parts of photos from which crops are cut; the least recently used part is dropped first.

    Args:
        most: greatest number of parts, each of 2.4 MB.
    """

    def __init__(self, most: int = 16) -> None:
        self._parts: OrderedDict[_Key, np.ndarray | None] = OrderedDict()
        self._most = most

    def part(self, config: GenerateConfig, resources: Resources, split: str, index: int) -> np.ndarray | None:
        """Return the part of a photo from which crop `index` of a split is cut, uint8 [768, 1024, 3] RGB.

        It is a function of the seed, the split and index // 64; None, with a warning, if the photo is unreadable.
        """
        settings, photos, run = config.backgrounds, resources.photos[split], index // _RUN
        photo = stable_hash(config.seed, "photo", split, run)
        path = Path(settings.folder or "") / photos[photo % len(photos)]
        key = (path, config.seed, split, run, settings.photo_flip, settings.photo_light)
        if key not in self._parts:
            rng = np.random.default_rng([config.seed, photo])
            self._parts[key] = load_photo(path, *_PART, rng, settings.photo_flip, settings.photo_light)
            while len(self._parts) > self._most:
                self._parts.popitem(last=False)
        self._parts.move_to_end(key)
        return self._parts[key]


_photos = PhotoCache()


def make_ground(
    config: GenerateConfig,
    resources: Resources,
    split: str,
    index: int,
    width: int,
    height: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the background of crop `index` of a split, uint8 [height, width, 3] RGB."""
    if rng.random() < config.crops.plain:
        return add_grain(_plain(width, height, rng), between(rng, config.backgrounds.texture), rng)
    if resources.photos[split] and rng.random() < config.backgrounds.photo_share:
        photo = _photos.part(config, resources, split, index)
        if photo is not None:
            return _piece(photo, width, height, rng)
    return make_background(width, height, config.backgrounds, rng)


def _plain(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return one colour in light that changes linearly from corner to corner."""
    uneven = 0.25 * rng.random() ** 2
    corners = _sign_colour(rng) * (1 + uneven * (2 * rng.random((2, 2, 1), np.float32) - 1))
    return cv2.resize(np.clip(corners, 0, 255).astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)


def _sign_colour(rng: np.random.Generator) -> np.ndarray:
    """Return a colour typical of signs, float32 [3]: half are near white, black or grey, the others mostly red to
    yellow, green or blue, seldom pink or violet."""
    if rng.random() < 0.5:
        brightness = 0.04 + 0.95 * rng.beta(0.6, 0.6)
        return np.array(colorsys.hsv_to_rgb(rng.random(), 0.2 * rng.random() ** 2, brightness), np.float32) * 255
    if rng.random() < 0.15:
        return random_colour(rng)
    hue = (pick(rng, _SIGN_HUES) + rng.normal(0, 12)) / 360 % 1
    return np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.25, 1), rng.uniform(0.25, 1)), np.float32) * 255


def _piece(photo: np.ndarray, width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    rows, columns = photo.shape[:2]
    zoom = min(between_log(rng, _ZOOM), columns / width, rows / height)
    cut_width, cut_height = max(1, min(columns, round(width * zoom))), max(1, min(rows, round(height * zoom)))
    pieces = []
    for x, y in (rng.random((_PLACES, 2)) * (columns - cut_width + 1, rows - cut_height + 1)).astype(int):
        pieces.append(photo[y : y + cut_height, x : x + cut_width])
    step = max(1, cut_height // 12)
    smoothest = min(pieces, key=lambda piece: float(piece[::step, ::step, 1].std()))
    method = cv2.INTER_AREA if zoom > 1 else cv2.INTER_LINEAR
    return cv2.resize(smoothest, (width, height), interpolation=method)
