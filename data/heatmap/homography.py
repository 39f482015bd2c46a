"""Homographies between a square and many quads at once."""

from __future__ import annotations

import numpy as np

MIN_DETERMINANT = 1e-9


def square_to_quads(quads: np.ndarray) -> np.ndarray:
    """Return the homographies that carry the square [-1, 1]^2 onto each quad.

    The corners (-1, -1), (1, -1), (1, 1), (-1, 1) go to corners 0 to 3. Closed form after Heckbert,
    "Fundamentals of Texture Mapping and Image Warping", 1989, section 2.2.3.

    Args:
        quads: float [N, 4, 2].

    Returns:
        float64 [N, 3, 3], of positive depth at the square's centre; NaN for quads of no area.
    """
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    p0, p1, p2, p3 = (quads[:, corner] for corner in range(4))
    total = p0 - p1 + p2 - p3
    d1, d2 = p1 - p2, p3 - p2
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = cross(d1, d2)
        g = cross(total, d2) / determinant
        h = cross(d1, total) / determinant
        unit = np.empty((len(quads), 3, 3))
        unit[:, :2, 0] = p1 - p0 + g[:, None] * p1
        unit[:, :2, 1] = p3 - p0 + h[:, None] * p3
        unit[:, :2, 2] = p0
        unit[:, 2, 0], unit[:, 2, 1], unit[:, 2, 2] = g, h, 1.0
        # From [-1, 1] to the unit square first: u = (s + 1) / 2.
        halves = np.array([[0.5, 0, 0.5], [0, 0.5, 0.5], [0, 0, 1.0]])
        matrices = unit @ halves
        matrices /= matrices[:, 2:, 2:]
        matrices[~(np.abs(np.linalg.det(np.nan_to_num(matrices))) > MIN_DETERMINANT)] = np.nan
    return matrices


def affine_of(matrices: np.ndarray) -> np.ndarray:
    """Return the affine maps that agree with each homography in value and slope at the square's centre.

    Args:
        matrices: float64 [N, 3, 3], from the square [-1, 1] x [-1, 1].

    Returns:
        float64 [N, 3, 3], the last rows 0, 0, 1.
    """
    centre = matrices[:, :2, 2] / matrices[:, 2:, 2]
    affine = np.zeros_like(matrices)
    affine[:, :2, :2] = matrices[:, :2, :2] - centre[:, :, None] * matrices[:, 2:, :2]
    affine[:, :2, 2] = centre
    affine[:, 2, 2] = 1.0
    return affine


def diagonal_crossings(quads: np.ndarray) -> np.ndarray:
    """Return where the diagonals of each quad cross, float64 [N, 2]; the mean corner where they are parallel."""
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    a, b = quads[:, 2] - quads[:, 0], quads[:, 3] - quads[:, 1]
    denominator = cross(a, b)
    parallel = np.abs(denominator) < MIN_DETERMINANT
    along = cross(quads[:, 1] - quads[:, 0], b) / np.where(parallel, 1.0, denominator)
    return np.where(parallel[:, None], quads.mean(axis=1), quads[:, 0] + along[:, None] * a)


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the z component of the cross product of vectors [..., 2]."""
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
