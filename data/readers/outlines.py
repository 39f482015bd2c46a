"""Outlines with any number of points: the quad that replaces them, and their winding.

Curved words are outlined from the first letter along the top to the last letter and back along the bottom
(Total-Text, SCUT-CTW1500, TextOCR); four points are a quad like any other.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

_TURNS = (np.arange(4)[:, None] + np.arange(4)) % 4
"""The corners of a quad in the order they have when it begins with corner 0, 1, 2 or 3."""


def outline_area(points: np.ndarray) -> float:
    """Return the area of an outline [P, 2] in square pixels, positive for clockwise as seen on screen."""
    before = points[np.arange(-1, len(points) - 1)]
    return float(before[:, 0] @ points[:, 1] - before[:, 1] @ points[:, 0]) / 2


def outline_crosses(points: np.ndarray) -> bool:
    """Tell whether two sides of an outline [P, 2] cross at inner points."""
    following = np.arange(1, len(points) + 1) % len(points)
    start_side = _sides(points, points[following], points)
    end_side = start_side[:, following]
    apart = start_side * end_side < 0  # [i, j]: side j has an end on either side of the line through side i
    return bool((apart & apart.T).any())


def clockwise_outline(points: np.ndarray) -> np.ndarray:
    """Return an outline [P, 2] in clockwise order on screen, beginning with the same point."""
    return points if outline_area(points) >= 0 else points[-np.arange(len(points))]


def reading_rectangle(points: np.ndarray) -> np.ndarray:
    """Return the rectangle of least area around a clockwise outline, its corners in the text's reading order.

    The first corner follows from the outline: its first point, the last point of the first half, the first point of the
    second half and its last point are assumed to be the corners of the text. The rectangle begins with the corner at
    which its corners fit these best.

    Args:
        points: float [P, 2], P at least 3, finite.

    Returns:
        float32 [4, 2]; without area if the points lie on one line.
    """
    points = np.asarray(points, np.float64)
    centre = points.mean(0)
    points = points - centre  # the rectangle is computed in single precision
    box = cv2.boxPoints(cv2.minAreaRect(points.astype(np.float32))).reshape(-1, 2).astype(np.float64)
    if outline_area(box) < 0:
        box = box[::-1]
    half = (len(points) + 1) // 2
    corners = points[[0, half - 1, half, len(points) - 1]] if len(points) > 3 else points[[0, 1, 2, 2]]
    corners = corners - corners.mean(0)
    fits = (box[_TURNS] * corners).sum((1, 2))
    return (box[_TURNS[np.argmax(fits)]] + centre).astype(np.float32)


def turned_rectangle(
    left: float, top: float, width: float, height: float, degrees: float, pivot: tuple[float, float]
) -> list[float]:
    """Return the corners of a turned rectangle, beginning with the one that was top left, x and y of each in turn.

    Args:
        left, top, width, height: in pixels, before it was turned.
        degrees: clockwise as seen on screen; the corners are NaN if it is not finite.
        pivot: x and y of the point that it was turned about.
    """
    x, y = pivot
    angle = math.radians(degrees) if math.isfinite(degrees) else math.nan  # of infinity there is no cosine
    cos, sin = math.cos(angle), math.sin(angle)
    corners = ((left, top), (left + width, top), (left + width, top + height), (left, top + height))
    turned = ((x + (a - x) * cos - (b - y) * sin, y + (a - x) * sin + (b - y) * cos) for a, b in corners)
    return [value for corner in turned for value in corner]


def _sides(starts: np.ndarray, ends: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return for each side [S, 2] and point [P, 2] on which side of it the point lies, as a signed area [S, P]."""
    along = (ends - starts)[:, None]
    to_point = points[None] - starts[:, None]
    return along[..., 0] * to_point[..., 1] - along[..., 1] * to_point[..., 0]
