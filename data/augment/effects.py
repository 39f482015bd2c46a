"""What the camera does to a finished scene: light, blur, motion, loss of resolution, noise. Geometry stays."""

from __future__ import annotations

import cv2
import numpy as np

from config.schema.generation import CameraSettings, Effect
from data.augment.levels import two_percentiles
from data.augment.lighting import dark_corners, even_gain, lamp, light_unevenly, tint
from data.draws import between

_NOISE_SIDE = 512
_noise_tile: np.ndarray | None = None


def photograph(image: np.ndarray, camera: CameraSettings, rng: np.random.Generator) -> np.ndarray:
    """Return the scene as a camera would take it, before JPEG: first the effects of the lens, then of the sensor.

    Args:
        image: uint8 [H, W, 3].
        camera: probability and strength of each effect.
        rng: source of randomness.

    Returns:
        uint8 [H, W, 3].
    """
    height, width = image.shape[:2]
    image = _light(image, camera, rng)
    image = expose(image, between(rng, camera.contrast), between(rng, camera.brightness) * 255)
    if (sigma := _strength(camera.blur, rng)) > 0.05:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    if (radius := _optional(camera.defocus, rng)) > 0.3:
        image = cv2.filter2D(image, -1, disc_kernel(radius), borderType=cv2.BORDER_REPLICATE)
    if (length := _strength(camera.motion, rng)) > 1:
        image = cv2.filter2D(image, -1, motion_kernel(length, rng.uniform(0, np.pi)), borderType=cv2.BORDER_REPLICATE)
    if rng.random() < camera.resolution.probability:
        factor = between(rng, camera.resolution.factor)
        small = (max(1, round(width * factor)), max(1, round(height * factor)))
        image = cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height))
    if (deviation := _strength(camera.noise, rng)) > 0.5:
        image = add_noise(image, deviation, rng)
    if (amount := _optional(camera.sharpening, rng)) > 0.01:
        image = sharpen(image, amount)
    return image


def _light(image: np.ndarray, camera: CameraSettings, rng: np.random.Generator) -> np.ndarray:
    gain = even = even_gain(image.shape[1], image.shape[0])
    if (share := _optional(camera.lighting, rng)) > 0:
        gain = lamp(gain, share, rng)
    if (share := _optional(camera.vignette, rng)) > 0:
        gain = dark_corners(gain, share)
    if (share := _optional(camera.cast, rng)) > 0:
        gain = tint(gain, share, rng)
    return image if gain is even else light_unevenly(image, gain)


def sharpen(image: np.ndarray, amount: float) -> np.ndarray:
    """Return an image, uint8 [H, W, 3], plus `amount` times its difference from a slightly blurred copy.

    Edges get bright and dark borders, as in the pictures of phones.
    """
    return cv2.addWeighted(image, 1 + amount, cv2.GaussianBlur(image, (0, 0), 1.0), -amount, 0)


def disc_kernel(radius: float) -> np.ndarray:
    """Return the blur of a lens that is out of focus: a disc whose sum is 1.

    A pixel on the rim counts approximately by the share of it that lies within the disc.

    Args:
        radius: of the disc, pixels.

    Returns:
        float32 [K, K] with K = 2 ceil(radius) + 1.
    """
    reach = int(np.ceil(radius))
    steps = np.arange(-reach, reach + 1)
    kernel = np.clip(radius + 0.5 - np.hypot(steps[None], steps[:, None]), 0, 1).astype(np.float32)
    return kernel / kernel.sum()


def expose(image: np.ndarray, gain: float, offset: float) -> np.ndarray:
    """Return an image with its contrast multiplied about its mean and an offset added.

    The offset is limited so that at most 1 % of the pixels are clipped: dark text must not disappear in black while
    its label stays.

    Args:
        image: uint8 [H, W, 3].
        gain: factor of the contrast.
        offset: what is added, in grey levels, -255..255.

    Returns:
        uint8 [H, W, 3].
    """
    sample = image[::4, ::4].ravel()
    mean = float(sample.mean())
    dark, light = ((level - mean) * gain + mean for level in two_percentiles(sample, 0.01, 0.99))
    offset = min(max(offset, min(0.0, -dark)), max(0.0, 255 - light))
    levels = (np.arange(256, dtype=np.float32) - mean) * gain + mean + offset
    return cv2.LUT(image, np.clip(np.rint(levels), 0, 255).astype(np.uint8))


def motion_kernel(length: float, angle: float) -> np.ndarray:
    """Return the blur of a camera that moves: a centred line whose sum is 1.

    Args:
        length: of the line, pixels.
        angle: of the line, radians.

    Returns:
        float32 [K, K] with K = 2 ceil(length / 2) + 1.
    """
    side = 2 * int(np.ceil(length / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    reach = np.linspace(-(length - 1) / 2, (length - 1) / 2, 4 * side)
    xs, ys = side // 2 + reach * np.cos(angle), side // 2 + reach * np.sin(angle)
    x0, y0 = np.floor(xs).astype(int), np.floor(ys).astype(int)
    fx, fy = xs - x0, ys - y0
    for dx, dy, weight in ((0, 0, (1 - fx) * (1 - fy)), (1, 0, fx * (1 - fy)), (0, 1, (1 - fx) * fy), (1, 1, fx * fy)):
        np.add.at(kernel, (np.minimum(y0 + dy, side - 1), np.minimum(x0 + dx, side - 1)), weight)
    return kernel / kernel.sum()


def add_noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Return an image with Gaussian noise, independent in each channel.

    The normal values are drawn once per process, from a fixed seed, and shifted at random for each image: drawing them
    again for each image would take longer than all other effects together.

    Args:
        image: uint8 [H, W, 3].
        deviation: standard deviation of the noise, in grey levels, 0..255.
        rng: source of randomness.

    Returns:
        uint8 [H, W, 3].
    """
    global _noise_tile
    if _noise_tile is None:
        side = 2 * _NOISE_SIDE
        tile = np.random.default_rng(20).standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3), np.float32)
        _noise_tile = np.tile(tile, (2, 2, 1))[:side, :side]
    height, width = image.shape[:2]
    noisy = np.empty_like(image)
    for top in range(0, height, _NOISE_SIDE):
        for left in range(0, width, _NOISE_SIDE):
            rows, columns = min(_NOISE_SIDE, height - top), min(_NOISE_SIDE, width - left)
            y, x = rng.integers(_NOISE_SIDE, size=2)
            noise = _noise_tile[y : y + rows, x : x + columns] * np.float32(deviation)
            part = slice(top, top + rows), slice(left, left + columns)
            noisy[part] = cv2.add(image[part], noise, dtype=cv2.CV_8U)
    return noisy


def _optional(effect: Effect, rng: np.random.Generator) -> float:
    """Return the strength drawn for a scene, or 0; nothing is taken from `rng` where the effect's probability is 0.

    So scenes without the effect are bit for bit those of versions in which it did not exist.
    """
    return _strength(effect, rng) if effect.probability > 0 else 0.0


def _strength(effect: Effect, rng: np.random.Generator) -> float:
    """Return the strength drawn for a scene, or 0; two values are taken from `rng` in either case."""
    chance, share = rng.random(2)
    return (
        effect.strength[0] + (effect.strength[1] - effect.strength[0]) * share if chance < effect.probability else 0.0
    )
