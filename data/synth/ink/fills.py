"""The fill of ink: a colour, a gradient or a texture; and the shading by relief of the ink and of the background."""

from __future__ import annotations

import cv2
import numpy as np

from config.schema.generation import LookSettings
from data.draws import pick
from data.synth.ground.backgrounds import PATTERNS, clouds
from data.synth.ground.colours import LUMA, random_colour, with_luma

_MOST_RELIEF = 40.0
"""Greatest change of the ink by the relief of the background, of 255: the ink must still contrast."""
_EMBOSS = 90.0
"""Change of the ink where its edge faces the light, of 255."""
_CLOUDS = 0.4
"""Share of the textures that are clouds."""


def fill_colours(
    colour: np.ndarray, width: int, height: int, look: LookSettings, rng: np.random.Generator
) -> np.ndarray:
    """Return the colours of a block's ink: RGB float32 [3], [height, 1, 3] or [height, width, 3], in 0..255.

    Args:
        colour: RGB float32 [3], which contrasts with the background.
        width, height: of the window that the block covers, pixels of the scene.
        look: probabilities of gradients and textures.
        rng: source of randomness.
    """
    gradient = rng.random() < look.gradient
    textured = look.texture > 0 and rng.random() < look.texture
    if not (gradient or textured):
        return colour
    luma = float(colour @ LUMA)
    if textured:
        form = clouds if rng.random() < _CLOUDS else pick(rng, PATTERNS)
        weight = form(width, height, rng)[:, :, None]
        hue = colour if rng.random() < 0.5 else random_colour(rng)
    else:
        weight = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
        hue = colour
    # Away from mid-grey, so that the other colour contrasts at least as well as the first.
    other = with_luma(hue, luma + (0.4 + 0.5 * rng.random()) * ((255 - luma) if luma > 127 else -luma))
    return (colour + (other - colour) * weight).astype(np.float32)


def emboss_shade(fill: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return the shading of the edges of raised or sunk ink in light from one side.

    Args:
        fill: coverage, uint8 [h, w].
        size: pixels per em.
        rng: source of randomness.

    Returns:
        uint8 [h, w]: 128 where the ink is flat, more where it faces the light, less where it turns away.
    """
    width = max(0.8, size * rng.uniform(0.015, 0.04))
    turn = rng.uniform(0, 2 * np.pi)
    # The slope of the blurred coverage, greatest at its edge: 1 / (width * sqrt(2 pi)) for a straight one.
    scale = 127 * width * np.sqrt(2 * np.pi) / (8 * 255)
    raised = cv2.GaussianBlur(fill, (0, 0), width)
    across, down = cv2.Sobel(raised, cv2.CV_32F, 1, 0), cv2.Sobel(raised, cv2.CV_32F, 0, 1)
    return cv2.addWeighted(across, scale * np.cos(turn), down, scale * np.sin(turn), 128, dtype=cv2.CV_8U)


def shade_of(layer: np.ndarray) -> np.ndarray:
    """Return what a warped `emboss_shade`, uint8 [h, w], adds to the ink, float32 [h, w, 1] in grey levels."""
    return ((layer.astype(np.float32) - 128) * np.float32(_EMBOSS / 127))[:, :, None]


def relief_of(ground: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return what grain and shading of the background add to the ink on it, float32 [h, w, 1] in grey levels.

    Args:
        ground: RGB uint8 [h, w, 3], the background.
        rng: source of randomness.
    """
    luma = ground @ LUMA
    return np.clip((luma - luma.mean()) * np.float32(rng.uniform(0.3, 0.8)), -_MOST_RELIEF, _MOST_RELIEF)[:, :, None]
