"""Placing a flat block of text in the scene: one homography, and a place where it overlaps no other block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.synth.placing.smooth import Preference


@dataclass(frozen=True)
class Pose:
    """Pose of a block before the camera: angles in degrees, distance in units of its longer side."""

    angles: tuple[float, float, float]
    distance: float

    @property
    def shrinking(self) -> float:
        """Approximate factor by which a pixel of the block is smaller at its far end than in its middle.

        Distance shrinks by 1 + depth, and along the tilt by the same factor again. The mean of the two powers is used:
        the full square would extend the boxes of the whole block because of its last letter.
        """
        depth = 0.5 * float(np.abs(np.sin(np.radians(self.angles[:2]))).sum()) / self.distance
        return 1 + 1.5 * depth


def tilt_matrix(angles: tuple[float, float, float], distance: float, scale: float) -> np.ndarray:
    """Return the homography, float64 [3, 3], of a plane that is rotated about the origin and seen from the front.

    A point (x, y) of the plane is scaled, rotated about the z axis, then y, then x, and projected from a camera
    `distance` in front of the origin: (X, Y, Z) goes to (X, Y) * distance / (distance + Z).

    Args:
        angles: rotation about x, y and z, degrees. Positive z rotates clockwise as seen (y points down).
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
    """Return the homography, float64 [3, 3], of a shift by (x, y) pixels."""
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], np.float64)


def map_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map points, float [..., 2], by a homography, float [3, 3]; float64 [..., 2]."""
    mapped = points @ matrix[:2, :2].T + matrix[:2, 2]
    return mapped / (points @ matrix[2, :2] + matrix[2, 2])[..., None]


def shifts_that_meet(polygon: np.ndarray, other: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """Return for each shift [N, 2] whether convex `polygon` [K, 2], moved by it, meets convex `other` [L, 2]; bool [N].

    By the separating axis theorem two convex shapes are disjoint exactly if their projections onto the normal of one of
    their edges are. Moving a shape moves its projections; its normals stay the same.
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
    """Return a shift (x, y), pixels, that moves `polygon` into the image and away from all `taken` ones, or None.

    Args:
        polygon: float [K, 2], convex, anywhere.
        taken: convex polygons already in the image, float [L, 2] each.
        width, height: size of the image; the polygon will lie within pixels 0 .. width - 1, 0 .. height - 1.
        tries: number of random places to try.
        rng: source of randomness.
        preference: how to choose among free places; None takes the first.
        points: [N, 2], points of the block whose background `preference` examines, in the frame of `polygon`; None for
            its corners.
        reach: half the side of the square examined about each of them, pixels.
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
