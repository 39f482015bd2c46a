"""Drawing a block into a scene: decoration, one warp of the window that the block covers, and blending."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from config.schema.generation import LookSettings
from data.draws import between
from data.synth.ground.colours import LUMA, blend, random_colour, text_colour, with_luma
from data.synth.ink.fills import emboss_shade, fill_colours, relief_of, shade_of
from data.synth.ink.plates import draw_plate
from data.synth.placing.bend import Bend, band
from data.synth.placing.placement import map_points
from data.synth.setting.layout import Block, paint

_BARE_SHRINK = (1.76, 1.1)
"""Drawings that are shrunk by more than this are smoothed first: without `look.antialias`, and with it."""
_FILTER = 0.33
"""Standard deviation of the smoothing Gaussian, in pixels of the scene. With it, bilinear sampling was measured to be
closest to the mean over a pixel (relative error 0.07 when shrinking by 1.8; 0.27 without smoothing)."""
_MOST_BENEATH = 2000
"""The colour of the ink is chosen by an even sample of the pixels around it: this many, up to twice as many."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the scene, in pixels: columns x .. x + width - 1, rows y .. y + height - 1."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """Return the part of an image [H, W] or [H, W, 3] inside the window, a view [height, width, ...]."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


def warp_layer(
    layer: np.ndarray,
    matrix: np.ndarray,
    width: int,
    height: int,
    bend: Bend | None = None,
    antialias: bool = False,
) -> tuple[Window, np.ndarray] | None:
    """Warp a drawing into the scene in one resampling, computing only the pixels that it can reach.

    Args:
        layer: uint8 [h, w] or [h, w, k], k <= 4.
        matrix: homography [3, 3] from pixels of the (bent) layer to pixels of the scene.
        width, height: size of the scene, pixels.
        bend: applied before the homography.
        antialias: smooth every drawing that is shrunk, not only one that is shrunk much.

    Returns:
        The window of the scene that the layer covers and the warped pixels, uint8 [window.height, window.width] or
        [window.height, window.width, k]; None if the layer is outside the scene.
    """
    rows, columns = layer.shape[:2]
    if bend is None:
        corners = np.array([[-1, -1], [columns, -1], [columns, rows], [-1, rows]], np.float64)
    else:
        corners = band(np.array([-2.0, -2.0]), np.array([columns + 1.0, rows + 1.0]), bend)
    mapped = map_points(corners, matrix)
    left, top = np.maximum(np.floor(mapped.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(mapped.max(axis=0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return None
    window = Window(int(left), int(top), int(right - left), int(bottom - top))
    local = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64) @ matrix
    layer = _before_shrinking(layer, matrix, _BARE_SHRINK[antialias])
    if bend is None:
        return window, cv2.warpPerspective(layer, local, (window.width, window.height), flags=cv2.INTER_LINEAR)
    xs, ys = _sources(np.linalg.inv(local), window, bend)
    return window, cv2.remap(layer, xs, ys, cv2.INTER_LINEAR)


def _sources(inverse: np.ndarray, window: Window, bend: Bend) -> tuple[np.ndarray, np.ndarray]:
    """Return the x and y in the layer for each pixel of the window, two float32 [height, width]."""
    a = inverse / inverse[2, 2]
    x, y = np.arange(window.width)[None], np.arange(window.height)[:, None]
    depth = (a[2, 0] * x + a[2, 1] * y + 1).astype(np.float32)
    across = (a[0, 0] * x + a[0, 1] * y + a[0, 2]).astype(np.float32) / depth
    down = (a[1, 0] * x + a[1, 1] * y + a[1, 2]).astype(np.float32) / depth
    xs, ys = bend.flatten(across, down)
    return xs.astype(np.float32, copy=False), ys.astype(np.float32, copy=False)


def _before_shrinking(layer: np.ndarray, matrix: np.ndarray, least: float) -> np.ndarray:
    """Return the layer, smoothed along each axis according to how much it will be shrunk.

    Bilinear resampling reads two pixels along each axis, at any scale. Glyphs are drawn at most 1.44 times larger than
    they appear, except those under 11 pixels per em and those tilted far.
    """
    rows, columns = layer.shape[:2]
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
    to, depth = map_points(middle, matrix), float(matrix[2, :2] @ middle + matrix[2, 2])
    steps = (matrix[:2, :2] - np.outer(to, matrix[2, :2])) / depth
    shrink = 1 / np.maximum(np.linalg.norm(steps, axis=0), 1e-6)
    if shrink.max() <= least:
        return layer
    across, down = np.clip(_FILTER * shrink, 0.1, 4.0).tolist()
    return cv2.GaussianBlur(layer, (0, 0), sigmaX=across, sigmaY=down)


def draw_block(
    image: np.ndarray,
    block: Block,
    matrix: np.ndarray,
    size: int,
    margin: float,
    look: LookSettings,
    rng: np.random.Generator,
    bend: Bend | None = None,
) -> None:
    """Draw a block into the scene: plate, shadow, outline and fill, in this order.

    Args:
        image: uint8 [H, W, 3] RGB, changed in place.
        block: the block.
        matrix: homography [3, 3] from pixels of the (bent) block to pixels of the scene.
        size: pixels per em of the block's drawing.
        margin: how far a plate may reach beyond the words, in pixels of the block.
        look: probabilities and strengths of decorations.
        rng: source of randomness.
        bend: of the block; None for straight lines.
    """
    height, width = image.shape[:2]
    if rng.random() < look.plate:
        draw_plate(image, block, matrix, margin, rng, bend)
    fill = paint(block)
    layers = [fill]
    outline, shadow = rng.random() < look.outline, rng.random() < look.shadow
    thickness = between(rng, look.outline_width) * size
    reach, direction = between(rng, look.shadow_offset) * size, rng.random() * 2 * np.pi
    if outline:
        side = max(3, 2 * round(thickness) + 1)
        layers.append(cv2.dilate(fill, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))))
    if shadow:
        move = np.array([[1, 0, reach * np.cos(direction)], [0, 1, reach * np.sin(direction)]])
        cast = cv2.warpAffine(fill, move, (fill.shape[1], fill.shape[0]))
        hard = look.hard_shadow > 0 and rng.random() < look.hard_shadow
        layers.append(cast if hard else cv2.GaussianBlur(cast, (0, 0), max(0.6, 0.3 * reach)))
    embossed = look.emboss > 0 and rng.random() < look.emboss
    if embossed:
        layers.append(emboss_shade(fill, size, rng))
    placed = warp_layer(np.dstack(layers) if len(layers) > 1 else fill, matrix, width, height, bend, look.antialias)
    if placed is None:
        return
    window, warped = placed
    covers = warped.reshape(window.height, window.width, len(layers))
    shade = shade_of(covers[:, :, -1]) if embossed else None
    target = window.of(image)
    colour = text_colour(_beneath(target, covers[:, :, 0]), look, rng)
    opacity = between(rng, look.opacity)
    relief = relief_of(target, rng) if look.relief > 0 and rng.random() < look.relief else None
    blended = target.astype(np.float32)
    luma = float(colour @ LUMA)
    if shadow:
        dark = with_luma(random_colour(rng), 20 if luma > 110 else 235)
        blend(blended, _weight(covers[:, :, 2 if outline else 1], 0.35 + 0.4 * rng.random()), dark)
    if outline:
        edge = with_luma(random_colour(rng), luma - 120 if luma > 127 else luma + 120)
        blend(blended, _weight(covers[:, :, 1], opacity), edge)
    ink = fill_colours(colour, window.width, window.height, look, rng)
    for change in (relief, shade):
        if change is not None:
            ink = np.clip(ink + change, 0, 255)
    blend(blended, _weight(covers[:, :, 0], opacity), ink)
    blended += 0.5
    np.copyto(target, np.clip(blended, 0, 255, out=blended), casting="unsafe")


def _beneath(target: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Return pixels around the ink, uint8 [N, 3]: what the eye compares the text with."""
    near = np.flatnonzero(cv2.dilate(cover, np.ones((5, 5), np.uint8)))
    if not len(near):
        near = np.arange(cover.size)
    rows, columns = np.divmod(near[:: max(1, len(near) // _MOST_BENEATH)], cover.shape[1])
    return target[rows, columns]


def _weight(cover: np.ndarray, opacity: float) -> np.ndarray:
    """Return how much of a colour of this opacity uint8 coverage [h, w] lays over a picture, float32 [h, w]."""
    return cover.astype(np.float32) * (opacity / 255)
