"""Drawing a set block into a scene: decoration, one warp of the block's own window, and blending."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from config.schema.generation import LookSettings
from data.synth.colours import LUMA, random_colour, text_colour, with_luma
from data.synth.draws import between
from data.synth.layout import Block, paint
from data.synth.placement import map_points

_FRACTION_BITS = 4


@dataclass(frozen=True)
class Window:
    """A rectangle of the scene, in pixels: columns x .. x + width - 1, rows y .. y + height - 1."""

    x: int
    y: int
    width: int
    height: int

    def of(self, image: np.ndarray) -> np.ndarray:
        """Return the view of `image` that the window shows."""
        return image[self.y : self.y + self.height, self.x : self.x + self.width]


def warp_layer(layer: np.ndarray, matrix: np.ndarray, width: int, height: int) -> tuple[Window, np.ndarray] | None:
    """Warp a drawing into the scene, computing only the pixels it can reach.

    Args:
        layer: uint8 [h, w] or [h, w, k].
        matrix: homography [3, 3] from pixels of the layer to pixels of the scene.
        width, height: size of the scene.

    Returns:
        The window of the scene that the layer covers and its warped pixels, or None outside the scene.
    """
    rows, columns = layer.shape[:2]
    corners = np.array([[-1, -1], [columns, -1], [columns, rows], [-1, rows]], np.float64)
    mapped = map_points(corners, matrix)
    left, top = np.maximum(np.floor(mapped.min(axis=0)).astype(int), 0)
    right, bottom = np.minimum(np.ceil(mapped.max(axis=0)).astype(int) + 1, (width, height))
    if right <= left or bottom <= top:
        return None
    window = Window(int(left), int(top), int(right - left), int(bottom - top))
    local = np.array([[1, 0, -left], [0, 1, -top], [0, 0, 1]], np.float64) @ matrix
    warped = cv2.warpPerspective(layer, local, (window.width, window.height), flags=cv2.INTER_LINEAR)
    return window, warped


def draw_block(
    image: np.ndarray,
    block: Block,
    matrix: np.ndarray,
    size: int,
    margin: float,
    look: LookSettings,
    rng: np.random.Generator,
) -> None:
    """Draw a block into the scene: plate, shadow, outline and fill, in this order.

    Args:
        image: uint8 [H, W, 3] RGB, changed in place.
        block: what is drawn.
        matrix: homography [3, 3] from pixels of the block to pixels of the scene.
        size: pixels per em of the block's drawing.
        margin: how far a plate may reach beyond the words, in pixels of the block.
        look: how often and how strongly text is decorated.
        rng: source of randomness.
    """
    height, width = image.shape[:2]
    if rng.random() < look.plate:
        _draw_plate(image, block, matrix, margin, rng)
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
        layers.append(cv2.GaussianBlur(cast, (0, 0), max(0.6, 0.3 * reach)))
    placed = warp_layer(np.dstack(layers) if len(layers) > 1 else fill, matrix, width, height)
    if placed is None:
        return
    window, warped = placed
    covers = warped.reshape(window.height, window.width, len(layers))
    target = window.of(image)
    colour = text_colour(_beneath(target, covers[:, :, 0]), look, rng)
    opacity = between(rng, look.opacity)
    blended = target.astype(np.float32)
    luma = float(colour @ LUMA)
    if shadow:
        _blend(
            blended,
            covers[:, :, -1],
            with_luma(random_colour(rng), 20 if luma > 110 else 235),
            0.35 + 0.4 * rng.random(),
        )
    if outline:
        edge = with_luma(random_colour(rng), luma - 120 if luma > 127 else luma + 120)
        _blend(blended, covers[:, :, 1], edge, opacity)
    _blend(blended, covers[:, :, 0], _fill_colours(colour, window.height, look, rng), opacity)
    np.copyto(target, np.clip(blended + 0.5, 0, 255).astype(np.uint8))


def _beneath(target: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Return the pixels around the ink, [N, 1, 3]: what the eye compares the text with."""
    near = cv2.dilate(cover, np.ones((5, 5), np.uint8)) > 0
    return target[near].reshape(-1, 1, 3) if near.any() else target


def _blend(image: np.ndarray, cover: np.ndarray, colour: np.ndarray, opacity: float) -> None:
    """Lay `colour` ([3] or [h, 1, 3]) over the float32 image with uint8 coverage, in place."""
    weight = cover.astype(np.float32)[:, :, None] * (opacity / 255)
    image += (colour - image) * weight


def _fill_colours(colour: np.ndarray, height: int, look: LookSettings, rng: np.random.Generator) -> np.ndarray:
    if rng.random() >= look.gradient:
        return colour
    luma = float(colour @ LUMA)
    # Away from mid-grey, so that the far end of the gradient contrasts at least as well as the near one.
    other = with_luma(colour, luma + (0.4 + 0.5 * rng.random()) * ((255 - luma) if luma > 127 else -luma))
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return (colour + (other - colour) * ramp).astype(np.float32)


def _draw_plate(image: np.ndarray, block: Block, matrix: np.ndarray, margin: float, rng: np.random.Generator) -> None:
    pad = (0.2 + 0.8 * rng.random()) * margin
    low, high = block.word_boxes[:, :2].min(axis=0) - pad, block.word_boxes[:, 2:].max(axis=0) + pad
    corners = map_points(np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]]), matrix)
    left, top = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + 3
    target = image[top:bottom, left:right]
    plate = target.copy()
    points = np.rint((corners - (left, top)) * 2**_FRACTION_BITS).astype(np.int32)
    colour = random_colour(rng)
    cv2.fillConvexPoly(plate, points, colour.tolist(), cv2.LINE_AA, _FRACTION_BITS)
    if rng.random() < 0.4:
        edge = with_luma(colour, 255 - float(colour @ LUMA)).tolist()
        cv2.polylines(plate, [points], True, edge, int(rng.integers(1, 3)), cv2.LINE_AA, _FRACTION_BITS)
    opacity = 0.6 + 0.4 * rng.random()
    target[:] = cv2.addWeighted(plate, opacity, target, 1 - opacity, 0)
