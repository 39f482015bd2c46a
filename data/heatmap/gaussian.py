"""Draws one Gaussian per quad onto a score map, directly at the map's resolution.

An isotropic Gaussian sits in the middle of a square, cut off by the square's inscribed circle. The homography
from the square to a character's quad maps it there: a map pixel takes the value of the Gaussian at the pixel's
pre-image, so nothing is drawn at a larger size and shrunk. Source: Baek et al., CVPR 2019, section 3.2.1;
the values 200 and 40 for size and sigma are those of EasyOCR's trainer.
"""

from __future__ import annotations

import numpy as np

from data.heatmap.homography import MIN_DETERMINANT, affine_of, diagonal_crossings, square_to_quads

CHUNK_PIXELS = 1 << 20
HORIZON = 0.05
"""A quad is not convex, or almost not, if the depth of a corner is less than this share of the depth of its centre."""

SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)


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
    matrices = square_to_quads(enlarged(quads, enlarge))
    corners, matrices = _drawable(matrices[np.isfinite(matrices).all(axis=(1, 2))])

    inverses = np.linalg.inv(matrices)
    low = np.ceil(np.clip(corners.min(axis=1), 0, None)).astype(np.int64)
    limit = np.array([shape[1] - 1, shape[0] - 1])
    high = np.floor(np.clip(corners.max(axis=1), -1, limit)).astype(np.int64)
    extent = np.clip(high - low + 1, 0, None)
    areas = extent.prod(axis=1)

    decay = -0.5 * (size / 2 / sigma) ** 2
    for chosen in _chunks(areas):
        # What a row of a quad's rectangle has in common is computed once for the row.
        owner = np.repeat(chosen, extent[chosen, 1])
        firsts = np.cumsum(extent[chosen, 1]) - extent[chosen, 1]
        y = low[owner, 1] + np.arange(len(owner)) - np.repeat(firsts, extent[chosen, 1])
        widths = extent[owner, 0]
        starts = np.cumsum(widths) - widths
        x = np.arange(int(widths.sum())) + np.repeat(low[owner, 0] - starts, widths)
        across = x.astype(np.float64)
        depth, u, v = (
            np.repeat(row[:, 0], widths) * across + np.repeat(row[:, 1] * y, widths) + np.repeat(row[:, 2], widths)
            for row in (inverses[owner, 2], inverses[owner, 0], inverses[owner, 1])
        )
        u /= depth
        v /= depth
        squared = u * u + v * v
        inside = (squared <= 1.0) & (depth > 0)
        pixels = np.repeat(y * shape[1], widths)[inside] + x[inside]
        np.maximum.at(canvas, pixels, np.exp(decay * squared[inside]).astype(np.float32))
    return canvas.reshape(shape)


def enlarged(quads: np.ndarray, enlarge: np.ndarray) -> np.ndarray:
    """Return quads grown about the crossing of their diagonals, which stays where it is.

    Args:
        quads: float [N, 4, 2].
        enlarge: growth along each quad's horizontal and vertical axis, as a share, float [N, 2].

    Returns:
        float64 [N, 4, 2]; NaN where a quad has no area.
    """
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    p0, p1, p2, p3 = (quads[:, corner] for corner in range(4))
    axes = np.stack([p1 - p0 + p2 - p3, p3 - p0 + p2 - p1], axis=2)
    flat = ~(np.abs(np.linalg.det(np.nan_to_num(axes))) > MIN_DETERMINANT)
    axes[flat] = np.eye(2)
    grown = 1.0 + np.asarray(enlarge, np.float64).reshape(-1, 2)
    growth = axes @ (grown[:, :, None] * np.linalg.inv(np.nan_to_num(axes)))
    growth[flat] = np.nan
    centres = diagonal_crossings(quads)[:, None]
    return centres + np.einsum("nij,ncj->nci", growth, quads - centres)


def _drawable(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the square's corners go, [N, 4, 2], and the homographies to draw with.

    For a quad that is not convex the homography has its horizon inside the square; its affine part is used instead.
    """
    corners = np.concatenate([SQUARE, np.ones((4, 1))], axis=1)
    depth = np.einsum("nj,cj->nc", matrices[:, 2], corners)
    beyond = depth.min(axis=1, initial=np.inf) < HORIZON
    matrices = np.where(beyond[:, None, None], affine_of(matrices), matrices)
    mapped = np.einsum("nij,cj->nci", matrices, corners)
    return mapped[..., :2] / mapped[..., 2:], matrices


def _chunks(areas: np.ndarray) -> list[np.ndarray]:
    """Split the indices of the non-empty areas so that no chunk covers many more than `CHUNK_PIXELS`."""
    present = np.flatnonzero(areas)
    if not len(present):
        return []
    group = (np.cumsum(areas[present]) - 1) // CHUNK_PIXELS
    return np.split(present, np.flatnonzero(np.diff(group)) + 1)
