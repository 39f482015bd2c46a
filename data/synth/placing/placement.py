"""Standing a flat block of text in the scene: one homography, and a place where it meets no other block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synth.placing.smooth import Preference


@dataclass(frozen=True)
class Pose:
    """How a block is turned before the camera: angles in degrees, distance in units of its longer side."""

    angles: tuple[float, float, float]
    distance: float

    @property
    def shrinking(self) -> float:
        """How much smaller than in the middle a pixel of the block comes out at its far end, about.

        Distance shrinks by 1 + depth, and along the tilt once more; the mean of the two powers is taken, for the
        full square would pad the whole block for the sake of its last letter.
        """
        depth = 0.5 * float(np.abs(np.sin(np.radians(self.angles[:2]))).sum()) / self.distance
        return 1 + 1.5 * depth


def tilt_matrix(angles: tuple[float, float, float], distance: float, scale: float) -> np.ndarray:
    """Return the homography [3, 3] that turns a plane about the origin in space and looks at it from the front.

    A point (x, y) of the plane is scaled, turned about the z axis, then y, then x, and projected from a camera
    `distance` in front of the origin: (X, Y, Z) goes to (X, Y) * distance / (distance + Z).

    Args:
        angles: rotation about x, y and z, degrees. Positive z turns clockwise as seen (y points down).
        distance: camera's distance from the origin, in scaled pixels.
        scale: scaled pixels per pixel of the plane.
    """
    x, y, z = np.deg2rad(angles)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    rotation = about_x @ about_y @ about_z
    flat = rotation[:, :2] * scale
    return np.array([[*flat[0], 0.0], [*flat[1], 0.0], [*(flat[2] / distance), 1.0]])


def shift_matrix(x: float, y: float) -> np.ndarray:
    """Return the homography [3, 3] that moves by (x, y)."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def map_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map points [..., 2] through a homography, in float64."""
    mapped = points @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped / (points @ matrix[2, :2] + matrix[2, 2])[..., None]


def shifts_that_meet(polygon: np.ndarray, other: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return for each shift [N, 2] whether convex `polygon` [K, 2], moved by it, meets convex `other` [L, 2].

    The separating axis theorem: two convex shapes are apart exactly if their projections onto the normal of one
    of their edges are. Moving a shape moves its projection and leaves its normals.
    """
    edges = np.concatenate([np.roll(polygon, -1, axis=0) - polygon, np.roll(other, -1, axis=0) - other])
    normals = edges[:, ::-1] * (-1.0, 1.0)
    mine, theirs, moved = polygon @ normals.T, other @ normals.T, shifts @ normals.T
    apart = (mine.max(axis=0) + moved < theirs.min(axis=0)) | (mine.min(axis=0) + moved > theirs.max(axis=0))
    return ~apart.any(axis=1)


def polygons_meet(polygon: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two convex polygons [K, 2] and [L, 2] share a point."""
    return bool(shifts_that_meet(polygon, other, np.zeros((1, 2)))[0])


def find_place(
    polygon: np.ndarray,
    taken: list[np.ndarray],
    width: int,
    height: int,
    tries: int,
    rng: np.random.Generator,
    preference: Preference | None = None,
    points: np.ndarray | None = None,
    reach: float = 0.0,
) -> tuple[float, float] | None:
    """Return a shift that brings `polygon` inside the image and clear of all polygons in `taken`, or None.

    Args:
        polygon: float [K, 2], convex, anywhere.
        taken: convex polygons already in the image.
        width, height: size of the image; the polygon will lie within pixels 0 .. width - 1, 0 .. height - 1.
        tries: number of random places that are looked at.
        rng: source of randomness.
        preference: which of the free places is taken, if any; without one, the first.
        points: [N, 2], where the block's ground is looked at for it, in the frame of `polygon`; its corners if None.
        reach: half the side of the square looked at about each of them, pixels.
    """
    low, high = polygon.min(axis=0), polygon.max(axis=0)
    room = np.array([width - 1, height - 1]) - (high - low)
    if np.any(room < 0):
        return None
    shifts = rng.random((tries, 2)) * room - low
    blocked = np.zeros(tries, bool)
    for other in taken:
        blocked |= shifts_that_meet(polygon, other, shifts)
    if blocked.all():
        return None
    if preference is None:
        x, y = shifts[int(np.argmin(blocked))]
        return float(x), float(y)
    free = shifts[~blocked]
    chosen = preference.choose(polygon if points is None else points, reach, free)
    return None if chosen is None else (float(free[chosen, 0]), float(free[chosen, 1]))
