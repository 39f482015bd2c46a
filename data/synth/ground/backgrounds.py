"""Procedural backgrounds: base colours, a pattern, shapes and grain."""

from __future__ import annotations

import cv2
import numpy as np

from config.schema.generation import BackgroundSettings
from data.draws import between, between_log, pick, whole
from data.synth.ground.colours import bands, blend, random_palette


def make_background(width: int, height: int, settings: BackgroundSettings, rng: np.random.Generator) -> np.ndarray:
    """Return a background, uint8 [height, width, 3] RGB."""
    palette = random_palette(rng, int(rng.integers(3, 6)))
    image = _base(width, height, palette, rng)
    if rng.random() < settings.pattern:
        cover = pick(rng, PATTERNS)(width, height, rng)
        strength = between_log(rng, (0.08, 0.8))
        colour = pick(rng, palette[1:])
        blend(image, cover * strength, colour)
    drawing = np.empty(image.shape, np.uint8)
    for rows in bands(height, width):
        np.copyto(drawing[rows], np.clip(image[rows], 0, 255), casting="unsafe")
    add_shapes(drawing, palette, whole(rng, settings.shapes), rng)
    return add_grain(drawing, between(rng, settings.texture), rng)


def add_grain(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Return an image with smooth grey noise added, as of a rough surface.

    Args:
        image: uint8 [H, W, 3].
        deviation: standard deviation of the noise, in grey levels, 0..255; below 0.5 nothing is added.
        rng: source of randomness.

    Returns:
        uint8 [H, W, 3].
    """
    if deviation < 0.5:
        return image
    height, width = image.shape[:2]
    cell = float(rng.uniform(1.0, 3.0))
    coarse = rng.standard_normal((max(2, int(height / cell)), max(2, int(width / cell))), np.float32)
    grain = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    grainy = np.empty_like(image)
    for rows in bands(height, width):
        grainy[rows] = cv2.add(image[rows], cv2.merge([grain[rows] * deviation] * 3), dtype=cv2.CV_8U)
    return grainy


def add_shapes(image: np.ndarray, palette: list[np.ndarray], count: int, rng: np.random.Generator) -> None:
    """Draw ellipses, rectangles, polygons and lines, in place; large ones are rarer than small ones.

    Args:
        image: uint8 [H, W, 3] RGB.
        palette: RGB colours, float [3] each, in 0..255.
        count: how many shapes.
        rng: source of randomness.
    """
    height, width = image.shape[:2]
    side = min(width, height)
    for _ in range(count):
        colour = np.clip(pick(rng, palette) + rng.normal(0, 25, 3), 0, 255).tolist()
        centre = (rng.random(2) * (width, height)).astype(int)
        radius = np.exp(rng.uniform(np.log(0.02), np.log(0.35), 2)) * side
        thickness = -1 if rng.random() < 0.6 else int(rng.integers(1, 5))
        angle = float(rng.uniform(0, 180))
        form = rng.random()
        if form < 0.3:
            axes = tuple(int(value) + 1 for value in radius)
            cv2.ellipse(image, centre.tolist(), axes, angle, 0, 360, colour, thickness, cv2.LINE_AA)
        elif form < 0.75:
            if form < 0.6:
                corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * radius
            else:
                turns = np.sort(rng.random(int(rng.integers(3, 7)))) * 2 * np.pi
                corners = np.stack([np.cos(turns), np.sin(turns)], axis=1) * radius
            turn = np.deg2rad(angle if rng.random() < 0.5 else 0.0)
            corners = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
            points = (corners + centre).astype(np.int32)
            if thickness < 0:
                cv2.fillPoly(image, [points], colour, cv2.LINE_AA)
            else:
                cv2.polylines(image, [points], True, colour, thickness, cv2.LINE_AA)
        else:
            start, end = (rng.uniform(-0.1, 1.1, (2, 2)) * (width, height)).astype(int).tolist()
            cv2.line(image, start, end, colour, int(rng.integers(1, 8)), cv2.LINE_AA)


def _base(width: int, height: int, palette: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Return float32 [height, width, 3]: a gradient, clouds, or a plain colour with uneven light.

    It is smooth, so it is computed at a quarter of the width and height and enlarged.
    """
    full = (width, height)
    width, height = -(-width // 4), -(-height // 4)
    form = rng.random()
    first, second = palette[0], palette[1]
    if form < 0.35:
        weight = _ramp(width, height, float(rng.uniform(0, 2 * np.pi)))
    elif form < 0.75:
        weight = clouds(width, height, rng)
    else:
        weight = np.full((height, width), 0.0, np.float32)
    change = second - first
    light = 1 + (clouds(width, height, rng) - 0.5) * float(rng.uniform(0, 0.5))
    # Channel by channel: numpy is slow where its innermost axis is as short as the three channels.
    image = cv2.merge([(first[channel] + change[channel] * weight) * light for channel in range(3)])
    return cv2.resize(image.astype(np.float32, copy=False), full, interpolation=cv2.INTER_LINEAR)


def _ramp(width: int, height: int, angle: float) -> np.ndarray:
    """Return 0..1 rising linearly along `angle`, float32 [height, width]."""
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32) * np.cos(angle)
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32) * np.sin(angle)
    reach = (abs(np.cos(angle)) + abs(np.sin(angle))) / 2
    return (x[None, :] + y[:, None]) / np.float32(2 * reach) + np.float32(0.5)


def clouds(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise of two to four octaves, float32 [height, width], from 0 to 1."""
    total = np.zeros((height, width), np.float32)
    cells = int(rng.integers(2, 5))
    for octave in range(int(rng.integers(2, 5))):
        grid = rng.random((cells * 2**octave + 1, cells * 2**octave + 1), np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def _stripes(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    angle, period = rng.uniform(0, np.pi), between_log(rng, (6, 90))
    x = np.arange(width, dtype=np.float32) * np.float32(2 * np.pi * np.cos(angle) / period)
    y = np.arange(height, dtype=np.float32) * np.float32(2 * np.pi * np.sin(angle) / period)
    # sin(x + y) by the addition theorem: two outer products instead of one sine for each pixel.
    wave = np.outer(np.cos(y), np.sin(x)) + np.outer(np.sin(y), np.cos(x))
    sharpness = between_log(rng, (1, 12))
    return np.clip(wave * np.float32(sharpness) / 2 + 0.5, 0, 1)


def _bricks(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return the joints between bricks, or the lines of a grid if rows are not shifted."""
    row = int(rng.integers(10, 60))
    column = int(row * rng.uniform(1.0, 3.0))
    joint = int(rng.integers(1, 4))
    shift = column // 2 if rng.random() < 0.6 else 0
    cover = np.zeros((height, width), np.float32)
    for index, y in enumerate(range(int(rng.integers(-row, 0)), height, row)):
        cover[max(y, 0) : max(y + joint, 0)] = 1
        for x in range((index % 2) * shift - column, width, column):
            cover[max(y, 0) : max(y + row, 0), max(x, 0) : max(x + joint, 0)] = 1
    return cover


def _dots(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    period = int(rng.integers(8, 40))
    tile = np.zeros((period, period), np.uint8)
    radius = max(1, int(period * rng.uniform(0.1, 0.4)))
    cv2.circle(tile, (period // 2, period // 2), radius, 255, -1, cv2.LINE_AA)
    tiles = np.tile(tile, (height // period + 1, width // period + 1))[:height, :width]
    return tiles.astype(np.float32) / 255


def _rings(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return a texture like wood or marble: waves of a smooth noise field."""
    waves = clouds(width, height, rng) * np.float32(rng.uniform(20, 90))
    return np.sin(waves) * np.float32(0.5) + np.float32(0.5)


PATTERNS = (_stripes, _bricks, _dots, _rings)
"""Functions of (width, height, rng) that return coverage in 0..1, float32 [height, width]."""
