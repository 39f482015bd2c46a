"""The place of a crop's text before the camera, and the imperfect box that is cut out around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from config.schema.generation import CropSettings
from data.draws import between
from data.synth.placing.placement import Pose, map_points, shift_matrix, tilt_matrix

_BORDER = 3
"""Pixels around the box that are also drawn, because blur and resampling read beyond its edge."""
_LEAST_SIDE = 4
"""Least side of a box, pixels, even if it cuts into the text."""


@dataclass(frozen=True)
class View:
    """A small photo, and the box that is cut out of it.

    Attributes:
        width, height: of the photo, pixels.
        matrix: homography [3, 3] from pixels of the block to pixels of the photo.
        corners: float64 [4, 2], the box in the photo: top left, top right, bottom right, bottom left, as edges (a
            pixel reaches half a pixel to each side of its centre).
        upright: the sides of the box are rows and columns of the photo's pixels.
        cut_width, cut_height: of the box, pixels of the photo.
        out_width, out_height: of the finished crop.
    """

    width: int
    height: int
    matrix: np.ndarray
    corners: np.ndarray
    upright: bool
    cut_width: int
    cut_height: int
    out_width: int
    out_height: int

    def to_crop(self) -> np.ndarray:
        """Return the homography [3, 3] from pixels of the photo to pixels of the finished crop."""
        return _between_rectangles(self.cut_width, self.cut_height, self.out_width, self.out_height) @ self._to_cut()

    def cut(self, photo: np.ndarray, method: int) -> np.ndarray:
        """Return the finished crop, uint8 [out_height, out_width, 3].

        Args:
            photo: uint8 [height, width, 3].
            method: OpenCV's interpolation for enlarging; shrinking averages over areas.
        """
        if self.upright:
            left, top = np.rint(self.corners[0] + 0.5).astype(int)
            part = photo[top : top + self.cut_height, left : left + self.cut_width]
        else:
            size = (self.cut_width, self.cut_height)
            part = cv2.warpPerspective(
                photo, self._to_cut(), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        if self.out_height < self.cut_height:
            method = cv2.INTER_AREA
        return cv2.resize(part, (self.out_width, self.out_height), interpolation=method)

    def _to_cut(self) -> np.ndarray:
        if self.upright:
            return shift_matrix(*-(self.corners[0] + 0.5))
        target = np.array([[0, 0], [self.cut_width, 0], [self.cut_width, self.cut_height], [0, self.cut_height]]) - 0.5
        return cv2.getPerspectiveTransform(self.corners.astype(np.float32), target.astype(np.float32))


def draw_pose(crops: CropSettings, rng: np.random.Generator) -> Pose:
    """Draw the rotation and tilt of the text."""
    angles = (between(rng, crops.tilt), between(rng, crops.tilt), between(rng, crops.rotation))
    distance = between(rng, crops.camera_distance)
    return Pose((0.0, 0.0, 0.0) if rng.random() < crops.straight else angles, distance)


def draw_view(
    quads: np.ndarray, pose: Pose, scale: float, cap_height: float, crops: CropSettings, rng: np.random.Generator
) -> View:
    """Place the text before the camera and choose the box.

    Args:
        quads: float [C, 4, 2], the label's characters in the (bent) block.
        pose: rotation and tilt of the text.
        scale: pixels of the photo for each pixel of the block, before perspective.
        cap_height: height of a capital in the photo, pixels.
        crops: the settings.
        rng: source of randomness.
    """
    points = quads.reshape(-1, 2)
    hull = np.concatenate([points.min(axis=0), points.max(axis=0)])
    longer = max(hull[2] - hull[0], hull[3] - hull[1]) * scale
    centre = shift_matrix(-(hull[0] + hull[2]) / 2, -(hull[1] + hull[3]) / 2)
    matrix = tilt_matrix(pose.angles, pose.distance * longer, scale) @ centre
    margins = np.array([between(rng, crops.margin) for _ in range(4)]) * cap_height
    upright = not any(pose.angles) or rng.random() >= crops.rectified
    if upright:
        corners = map_points(points, matrix)
        low = np.rint(corners.min(axis=0) - margins[:2])
        high = np.maximum(np.rint(corners.max(axis=0) + margins[2:]), low + _LEAST_SIDE)
        corners = _corners(np.concatenate([low, high])) - 0.5
        cut_width, cut_height = (int(side) for side in high - low)
    else:
        grown = hull + np.concatenate([-margins[:2], margins[2:]]) / scale
        corners = map_points(_corners(grown), matrix)
        corners += rng.normal(0, crops.jitter * cap_height, (4, 2))
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        cut_width = max(_LEAST_SIDE, round(float(sides[0] + sides[2]) / 2))
        cut_height = max(_LEAST_SIDE, round(float(sides[1] + sides[3]) / 2))
    low = np.floor(corners.min(axis=0)) - _BORDER
    width, height = (int(side) for side in np.ceil(corners.max(axis=0)) + _BORDER - low + 1)
    return View(
        width=width,
        height=height,
        matrix=shift_matrix(*-low) @ matrix,
        corners=corners - low,
        upright=upright,
        cut_width=cut_width,
        cut_height=cut_height,
        out_width=max(1, round(cut_width * crops.height / cut_height)),
        out_height=crops.height,
    )


def _corners(box: np.ndarray) -> np.ndarray:
    return np.array([[box[0], box[1]], [box[2], box[1]], [box[2], box[3]], [box[0], box[3]]], np.float64)


def _between_rectangles(width: int, height: int, out_width: int, out_height: int) -> np.ndarray:
    """Return the matrix of `cv2.resize`, which keeps the edges of the picture, not the centres of its pixels."""
    x, y = out_width / width, out_height / height
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2], [0, 0, 1]], np.float64)
