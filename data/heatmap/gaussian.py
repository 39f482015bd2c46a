"""Draws one Gaussian per quad onto a score map, directly at the map's resolution.

An isotropic Gaussian sits in the middle of a square, cut off by the square's inscribed circle. The homography
from the square to a character's quad carries it there; a map pixel therefore takes the value of the Gaussian at
the pixel's pre-image, and nothing is drawn larger and shrunk. Source: Baek et al., CVPR 2019, section 3.2.1;
the values 200 and 40 for size and sigma are those of EasyOCR's trainer.
"""

from __future__ import annotations

import numpy as np

from data.heatmap.homography import affine_of, square_to_quads

CHUNK_PIXELS = 1 << 20
HORIZON = 0.05
"""Where an enlarged corner's depth falls below this share of the centre's, perspective is given up for it."""


def draw_gaussians(
    quads: np.ndarray, shape: tuple[int, int], *, size: int, sigma: float, enlarge: np.ndarray
) -> np.ndarray:
    """Return the map of the highest Gaussian at each pixel.

    A quad that leaves the map is drawn as far as the map's edge. Quads without area draw nothing.

    Args:
        quads: float [N, 4, 2] in map pixels (pixel centres are whole numbers).
        shape: height and width of the map.
        size: side of the square that carries the Gaussian.
        sigma: standard deviation in the same unit.
        enlarge: share by which each quad grows along its own two axes, float [N, 2].

    Returns:
        float32 [H, W] in 0..1.
    """
    canvas = np.zeros(shape[0] * shape[1], np.float32)
    matrices = square_to_quads(quads)
    enlarge = np.asarray(enlarge, np.float64).reshape(-1, 2)
    usable = np.isfinite(matrices).all(axis=(1, 2))
    matrices, grown = matrices[usable], 1.0 + enlarge[usable]
    corners, matrices = _grown_corners(matrices, grown)

    inverses = np.linalg.inv(matrices)
    low = np.ceil(np.clip(corners.min(axis=1), 0, None)).astype(np.int64)
    limit = np.array([shape[1] - 1, shape[0] - 1])
    high = np.floor(np.clip(corners.max(axis=1), -1, limit)).astype(np.int64)
    extent = np.clip(high - low + 1, 0, None)
    areas = extent.prod(axis=1)

    decay = -0.5 * (size / 2 / sigma) ** 2
    for chosen in _chunks(areas):
        owner = np.repeat(chosen, areas[chosen])
        starts = np.cumsum(areas[chosen]) - areas[chosen]
        local = np.arange(len(owner)) - np.repeat(starts, areas[chosen])
        x = low[owner, 0] + local % extent[owner, 0]
        y = low[owner, 1] + local // extent[owner, 0]
        inverse = inverses[owner].reshape(-1, 9).T
        depth = inverse[6] * x + inverse[7] * y + inverse[8]
        u = (inverse[0] * x + inverse[1] * y + inverse[2]) / (depth * grown[owner, 0])
        v = (inverse[3] * x + inverse[4] * y + inverse[5]) / (depth * grown[owner, 1])
        squared = u * u + v * v
        inside = (squared <= 1.0) & (depth > 0)
        np.maximum.at(
            canvas, (y * shape[1] + x)[inside], np.exp(decay * squared[inside]).astype(np.float32)
        )
    return canvas.reshape(shape)


def _grown_corners(matrices: np.ndarray, grown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners [N, 4, 2] of the enlarged quads, and the homographies to draw with.

    Under strong perspective an enlarged corner can pass the horizon; such a quad is drawn with its affine part.
    """
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    corners = np.concatenate([square[None] * grown[:, None], np.ones((len(grown), 4, 1))], axis=2)
    depth = np.einsum("nj,ncj->nc", matrices[:, 2], corners)
    beyond = depth.min(axis=1, initial=np.inf) < HORIZON * matrices[:, 2, 2]
    matrices = np.where(beyond[:, None, None], affine_of(matrices), matrices)
    mapped = np.einsum("nij,ncj->nci", matrices, corners)
    return mapped[..., :2] / mapped[..., 2:], matrices


def _chunks(areas: np.ndarray) -> list[np.ndarray]:
    """Split the indices of the non-empty areas so that no chunk covers many more than `CHUNK_PIXELS`."""
    present = np.flatnonzero(areas)
    if not len(present):
        return []
    group = (np.cumsum(areas[present]) - 1) // CHUNK_PIXELS
    return np.split(present, np.flatnonzero(np.diff(group)) + 1)
