"""Polygons that follow a curved word.

Baek et al. (CVPR 2019, section 3.3) trace a word of any shape by scanning its box along the reading axis, taking
the local centre and height of the text, and bending the box's edges along them. This is an independent implementation
of that idea:

1. Rectify the component's mask by its box, the longer side horizontal.
2. Take the middle of the mask in every column; a smooth curve through the middles is the centre line.
3. At evenly spaced points of the centre line measure the text along the normal, and lengthen both ends along the
   tangent to where the text ends.
4. Map the edge points back. The polygon is used only where the centre line bends and the polygon fits the mask
   better than the box does.
"""

from __future__ import annotations

import cv2
import numpy as np
import shapely

NUM_CONTROL_POINTS = 7
MIN_BEND = 0.1
"""A word is curved if its centre line departs from the chord by at least this, in heights of the text."""
MIN_ASPECT = 1.5
"""A box with a smaller ratio of its sides has no clear reading axis."""
CURVE_DEGREE = 4


def trace_polygon(mask: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """Trace a polygon around a curved word.

    Args:
        mask: uint8 [H, W], non-zero where the word is.
        box: float [4, 2], the rectangle around it in the mask's pixels, clockwise.

    Returns:
        float32 [2 * NUM_CONTROL_POINTS, 2], the upper edge in reading direction and the lower edge back, or None where
        the word is straight or the polygon would fit the mask no better than the box.
    """
    frame = _rectify(mask, box)
    if frame is None:
        return None
    straight, to_straight = frame
    centre = _centre_line(straight)
    if centre is None:
        return None
    columns, line, heights = centre
    thickness = float(np.median(heights))
    chord = np.interp(columns, columns[[0, -1]], np.polyval(line, columns[[0, -1]]))
    if np.abs(np.polyval(line, columns) - chord).max() < max(1.0, MIN_BEND * thickness):
        return None
    polygon = _outline(straight, columns, line, thickness)
    height, width = straight.shape
    whole = np.array([[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]], np.float64)
    if not shapely.Polygon(polygon).is_valid or _fit(straight, polygon) <= _fit(straight, whole):
        return None
    back = np.linalg.inv(to_straight)
    return (polygon @ back[:2, :2].T + back[:2, 2]).astype(np.float32)


def _rectify(mask: np.ndarray, box: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Turn the box upright with its longer side along x.

    Returns:
        uint8 [h, w] and the affine matrix float64 [3, 3] to it, or None for a box without a longer side.
    """
    across, down = np.linalg.norm(box[1] - box[0]), np.linalg.norm(box[2] - box[1])
    if down > across:  # a word that runs downwards starts at its top-right corner
        box, across, down = np.roll(box, -1, axis=0), down, across
    if across < MIN_ASPECT * max(down, 1.0):
        return None
    size = (round(float(across)) + 1, round(float(down)) + 1)
    target = np.array([[0, 0], [size[0] - 1, 0], [size[0] - 1, size[1] - 1]], np.float32)
    affine = cv2.getAffineTransform(np.ascontiguousarray(box[:3], np.float32), target)
    straight = cv2.warpAffine(mask, affine, size, flags=cv2.INTER_NEAREST)
    return straight, np.vstack([affine, [0, 0, 1]])


def _centre_line(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Fit a smooth curve through the middle of each column.

    Returns:
        float [K], the columns that hold text; the polynomial y(x); float [K], the heights across the line.
    """
    columns = np.flatnonzero(mask.any(axis=0)).astype(np.float64)
    if len(columns) < 3 * NUM_CONTROL_POINTS:
        return None
    inside = mask[:, columns.astype(int)] > 0
    top = inside.argmax(axis=0)
    bottom = mask.shape[0] - 1 - inside[::-1].argmax(axis=0)
    line = np.polyfit(columns, (top + bottom) / 2, CURVE_DEGREE)
    # A column cuts a slanted band longer than its thickness.
    slope = np.polyval(np.polyder(line), columns)
    return columns, line, (bottom - top) / np.sqrt(1 + slope**2)


def _outline(mask: np.ndarray, columns: np.ndarray, line: np.ndarray, thickness: float) -> np.ndarray:
    """Return the polygon float64 [2 * NUM_CONTROL_POINTS, 2] around the mask along the centre line."""
    # Evenly spaced by arc length. The outermost columns hold only a corner of a curved band, whose middle is not on
    # the centre line: the ends start half a thickness further in and are lengthened afterwards.
    slope = np.polyval(np.polyder(line), columns)
    arc = np.concatenate([[0], np.cumsum(np.hypot(1, slope)[1:] * np.diff(columns))])
    inset = min(thickness / 2, arc[-1] / 4)
    x = np.interp(np.linspace(inset, arc[-1] - inset, NUM_CONTROL_POINTS), arc, columns)
    points = np.stack([x, np.polyval(line, x)], axis=1)
    slope = np.polyval(np.polyder(line), x)
    tangents = np.stack([np.ones_like(slope), slope], axis=1) / np.hypot(1, slope)[:, None]
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1)  # towards the lower edge
    up = np.array([_reach(mask, p, -n, thickness) for p, n in zip(points, normals, strict=True)])
    down = np.array([_reach(mask, p, n, thickness) for p, n in zip(points, normals, strict=True)])
    upper, lower = points - up[:, None] * normals, points + down[:, None] * normals
    for index, direction in ((0, -tangents[0]), (-1, tangents[-1])):
        step = _extension(mask, upper[index], lower[index], direction, 4 * thickness)
        upper[index] += step * direction
        lower[index] += step * direction
    return np.concatenate([upper, lower[::-1]])


def _reach(mask: np.ndarray, point: np.ndarray, direction: np.ndarray, thickness: float) -> float:
    """Return how far the mask reaches from a point, at most `thickness`; half of that where there is a gap."""
    distances = np.arange(0, thickness + 0.25, 0.25)
    filled = _sample(mask, point + distances[:, None] * direction)
    return float(distances[filled][-1]) if filled.any() else thickness / 2


def _extension(mask: np.ndarray, upper: np.ndarray, lower: np.ndarray, direction: np.ndarray, limit: float) -> float:
    """Return how far the cross-section between two edge points can move before it leaves the mask."""
    section = np.linspace(upper, lower, 9)[1:-1]
    step = 0.0
    while step < limit and _sample(mask, section + (step + 0.5) * direction).any():
        step += 0.5
    return step


def _sample(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return whether the mask is set at each point; outside it is not."""
    x, y = np.rint(points).astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    return inside & (mask[np.where(inside, y, 0), np.where(inside, x, 0)] > 0)


def _fit(mask: np.ndarray, polygon: np.ndarray) -> float:
    """Return the intersection over union of a polygon and the mask, in the mask's window."""
    drawn = np.zeros_like(mask)
    cv2.fillPoly(drawn, [np.rint(polygon).astype(np.int32)], 1)
    union = np.count_nonzero(drawn | mask)
    return np.count_nonzero(drawn & mask) / union if union else 0.0
