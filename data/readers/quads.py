"""The faults of quads, and the order of corners that people have clicked.

Two kinds of quads need two treatments. The quads of a generator (SynthText) are computed by a homography, so their
corners are in reading order by construction: a reversed winding is mirrored text and is kept as it is, and a quad whose
sides cross is dropped, because it goes through the horizon. The quads of a person (ICDAR) are clicked: a reversed
winding or crossing sides are mistakes in the order, so the corners are put in clockwise order, beginning with the same
corner.
"""

from __future__ import annotations

import numpy as np

MIN_AREA = 0.5
"""Smallest usable area in square pixels: less than half a pixel cannot be seen or drawn."""

NOT_FINITE, ZERO_AREA, CROSSING, OUTSIDE = 1, 2, 3, 4

FAULTS = {
    NOT_FINITE: "a coordinate is not finite",
    ZERO_AREA: "zero or near-zero area",
    CROSSING: "sides cross",
    OUTSIDE: "outside the image",
}
"""Fault code -> reason in the drop report."""


def signed_area(quads: np.ndarray) -> np.ndarray:
    """Return the areas [N] of quads [N, 4, 2] in square pixels, positive for clockwise as seen on screen."""
    diagonal_1 = quads[:, 2] - quads[:, 0]
    diagonal_2 = quads[:, 3] - quads[:, 1]
    return (diagonal_1[:, 0] * diagonal_2[:, 1] - diagonal_1[:, 1] * diagonal_2[:, 0]) / 2


def sides_cross(quads: np.ndarray) -> np.ndarray:
    """Tell for each of the quads [N, 4, 2] whether two opposite sides cross at inner points; bool [N]."""
    a, b, c, d = (quads[:, k] for k in range(4))
    return _segments_cross(a, b, c, d) | _segments_cross(b, c, d, a)


def quad_faults(quads: np.ndarray) -> np.ndarray:
    """Return the fault code uint8 [N] of quads float [N, 4, 2], 0 for the usable ones.

    `OUTSIDE` means that all corners lie to the left of the image or above it; the other two sides depend on the size of
    the image and are checked by `outside_image`.
    """
    quads = np.asarray(quads, np.float64).reshape(-1, 4, 2)
    faults = np.zeros(len(quads), np.uint8)
    finite = np.isfinite(quads).all((1, 2))
    quads = np.where(finite[:, None, None], quads, 0)
    faults[(quads < -0.5).all(1).any(1)] = OUTSIDE
    faults[sides_cross(quads)] = CROSSING
    # The signed areas of the two parts of a crossing quad cancel out and say nothing about its size.
    faults[(np.abs(signed_area(quads)) < MIN_AREA) & (faults != CROSSING)] = ZERO_AREA
    faults[~finite] = NOT_FINITE
    return faults


def outside_image(quads: np.ndarray, height: int, width: int) -> np.ndarray:
    """Tell for each of the quads [N, 4, 2] whether its bounding box lies wholly outside the image; bool [N]."""
    low, high = quads.min(1), quads.max(1)
    limit = np.array([width - 0.5, height - 0.5], np.float32)
    return (high < -0.5).any(1) | (low > limit).any(1)


def clockwise(quads: np.ndarray) -> np.ndarray:
    """Return clicked quads [N, 4, 2] with their corners clockwise in the image, each beginning with the same corner.

    Corners of a quad with crossing sides are sorted by their angle about the mean corner; a reversed winding is undone
    by reversing the order after the first corner.
    """
    quads = quads.copy()
    crossing = np.flatnonzero(sides_cross(quads))
    offsets = quads[crossing] - quads[crossing].mean(1, keepdims=True)
    angles = np.arctan2(offsets[..., 1], offsets[..., 0])
    order = np.argsort((angles - angles[:, :1]) % (2 * np.pi), 1)
    quads[crossing] = np.take_along_axis(quads[crossing], order[..., None], 1)
    reversed_ = signed_area(quads) < 0
    quads[reversed_] = quads[reversed_][:, [0, 3, 2, 1]]
    return quads


def _segments_cross(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Tell whether the open segments a-b and c-d, each [N, 2], cross in a point inside both."""
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(a: np.ndarray, b: np.ndarray, point: np.ndarray) -> np.ndarray:
    return (b[:, 0] - a[:, 0]) * (point[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (point[:, 0] - a[:, 0])
