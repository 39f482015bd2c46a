"""Bending a flat block of text, and its boxes, along a circular arc, as on signs and shop fronts.

The middle of the block lies on a circle. A bend moves the point of the flat block at (s, t) from the middle to the
point at arc length s along the circle, moved by t towards its centre:

    x = (1/k - t) sin(k s),    y = 1/k - (1/k - t) cos(k s)

k is the curvature of the middle line, 1 over pixels of the block. k > 0 puts the centre below: the text arches up.
Both directions are closed forms, written so that nothing cancels as k goes to 0, where the bend is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from data.synth.placing.placement import polygons_meet

_INNER_RADIUS = 3.3
"""Least radius at the inner edge of the innermost line, in units of its tallest box. There the outer edge of a letter
is 1 + 1/3.3 times as wide as the inner edge, so that its quad, a trapezoid, is less than 35 % larger than the ink."""
_WORD_GAP = 0.04
"""Distance that the rectangles of bent words keep from each other, in units of the font size."""
_HALVINGS = 4
_STRAIGHT = 1e-15
"""Below this curvature a bend changes nothing that could be measured, but dividing by it would lose all digits."""


@dataclass(frozen=True)
class Bend:
    """A bend of a block.

    Attributes:
        curvature: k, of either sign, in 1 / pixels; 0 changes nothing.
        x, y: the middle of the block, which stays where it is.
    """

    curvature: float
    x: float
    y: float

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return the bent points of flat points, both float [..., 2] in pixels of the block."""
        k = self.curvature
        s, t = points[..., 0] - self.x, points[..., 1] - self.y
        # sin(k s) / k and (1 - cos(k s)) / k, with numpy's sinc(z) = sin(pi z) / (pi z).
        sine = s * np.sinc(k * s / np.pi)
        rise = k * s**2 / 2 * np.sinc(k * s / (2 * np.pi)) ** 2
        return np.stack([self.x + sine * (1 - k * t), self.y + rise + t * np.cos(k * s)], axis=-1)

    def inverse(self, points: np.ndarray) -> np.ndarray:
        """Return the flat points that `apply` maps to `points`, both float [..., 2] in pixels of the block."""
        s, t = self.flatten(points[..., 0], points[..., 1])
        return np.stack([s, t], axis=-1)

    def flatten(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the coordinates in the flat block of points of the bent one: the inverse of `apply`.

        Args:
            x, y: float [...], of one shape, pixels of the block; float32 stays float32.
        """
        k = self.curvature
        if abs(k) < _STRAIGHT:
            return x, y
        x, y = x - self.x, y - self.y
        across, down = k * x, 1 - k * y
        radius = np.sqrt(across * across + down * down)  # in units of the middle line's radius
        return np.arctan2(across, down) / k + self.x, (2 * y - k * (x * x + y * y)) / (1 + radius) + self.y


def quads_of(boxes: np.ndarray, bend: Bend) -> np.ndarray:
    """Return quads, float64 [N, 4, 2], around bent boxes, float [N, 4].

    Their sides are radii, so neighbours do not overlap.
    The outer edge of a bent box is an arc. The outer corners of the quad are moved outwards until the straight edge
    between them touches the arc, so that the quad contains the whole bent box.
    """
    k = bend.curvature
    left, top, right, bottom = boxes.T.astype(np.float64)
    half = k * (right - left) / 2
    bulge = 2 * np.sin(half / 2) ** 2 / np.cos(half)
    if k > 0:
        top = top - bulge * (1 - k * (top - bend.y)) / k
    elif k < 0:
        bottom = bottom - bulge * (1 - k * (bottom - bend.y)) / k
    flat = np.stack([np.stack([left, right, right, left], -1), np.stack([top, top, bottom, bottom], -1)], axis=-1)
    return bend.apply(flat)


def hulls_of(quads: np.ndarray, groups: np.ndarray, boxes: np.ndarray, bend: Bend, pad: float = 0.0) -> np.ndarray:
    """Return the rectangles, float64 [W, 4, 2], around groups of bent quads, each along the tangent at its middle.

    Args:
        quads: bent characters [C, 4, 2].
        groups: int [C], the word of each.
        boxes: flat boxes of the words [W, 4], which give the middles.
        bend: the bend.
        pad: added on all sides, pixels of the block.
    """
    hulls = []
    for word, box in enumerate(boxes):
        angle = bend.curvature * ((box[0] + box[2]) / 2 - bend.x)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        corners = quads[groups == word].reshape(-1, 2) @ turn.T
        low, high = corners.min(axis=0) - pad, corners.max(axis=0) + pad
        hulls.append(np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) @ turn)
    return np.array(hulls)


def band(low: np.ndarray, high: np.ndarray, bend: Bend, pieces: int = 16) -> np.ndarray:
    """Return the outline of the bent box `low` to `high` as a polygon [2 * pieces + 2, 2], clockwise as seen."""
    across = np.linspace(low[0], high[0], pieces + 1)
    top = np.stack([across, np.full_like(across, low[1])], axis=-1)
    bottom = np.stack([across[::-1], np.full_like(across, high[1])], axis=-1)
    return bend.apply(np.concatenate([top, bottom]))


def hull(points: np.ndarray) -> np.ndarray:
    """Return the convex hull of points [N, 2] as a polygon [M, 2], clockwise as seen."""
    order = cv2.convexHull(points.astype(np.float32), clockwise=False, returnPoints=False).reshape(-1)
    return points[order]


def make_bend(
    angle: float, word_boxes: np.ndarray, char_boxes: np.ndarray, char_words: np.ndarray, middle: np.ndarray, size: int
) -> Bend | None:
    """Return the bend with which a block spans `angle` radians, or less if words would overlap; None if there is none.

    The boxes of bent words are rectangles in different directions: the curvature is halved until they do not overlap.

    Args:
        angle: of the whole arc, radians; with a negative one the middle is the lowest part.
        word_boxes, char_boxes, char_words: of the flat block.
        middle: of the flat block [2].
        size: pixels per em.
    """
    low, high = word_boxes[:, :2].min(axis=0), word_boxes[:, 2:].max(axis=0)
    tallest = float((char_boxes[:, 3] - char_boxes[:, 1]).max())
    reach = float(max(high[1] - middle[1], middle[1] - low[1]))
    greatest = 1 / (reach + _INNER_RADIUS * tallest)
    curvature = float(np.clip(angle / (high[0] - low[0]), -greatest, greatest))
    bend = Bend(curvature, float(middle[0]), float(middle[1]))
    for _ in range(_HALVINGS):
        quads = quads_of(char_boxes, bend)
        rectangles = hulls_of(quads, char_words, word_boxes, bend, pad=_WORD_GAP * size)
        if not any_meet(rectangles):
            return bend
        bend = replace(bend, curvature=bend.curvature / 2)
    return None


def any_meet(quads: np.ndarray) -> bool:
    """Return whether any two of the convex quads [N, 4, 2] share a point."""
    return any(polygons_meet(quad, other) for index, quad in enumerate(quads) for other in quads[index + 1 :])
