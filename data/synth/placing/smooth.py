"""Finding smooth places of a picture: the mean strength of edges around any point, by a summed-area table.

Real text is usually on surfaces that were painted, printed or cut smooth for it; a word on foliage looks artificial.
The strength of edges is the length of the gradient of the luminance (Sobel), computed at half the resolution.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_REDUCTION = 2


@dataclass(frozen=True)
class Roughness:
    """The strength of edges everywhere in a picture.

    Attributes:
        sums: float64 [H / 2 + 1, W / 2 + 1]; entry (y, x) is the sum over the rows before y and columns before x.
    """

    sums: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> Roughness:
        """Measure a picture, uint8 [H, W, 3]."""
        height, width = image.shape[:2]
        small = (max(1, width // _REDUCTION), max(1, height // _REDUCTION))
        grey = cv2.cvtColor(cv2.resize(image, small, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        edges = cv2.magnitude(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        # Sobel's weights add up to 8 on a ramp that rises by 1 a pixel.
        return cls(cv2.integral(edges, sdepth=cv2.CV_64F) / 8)

    @property
    def mean(self) -> float:
        """Strength of edges over the whole picture."""
        return float(self.sums[-1, -1]) / ((self.sums.shape[0] - 1) * (self.sums.shape[1] - 1))

    def around(self, points: np.ndarray, reach: float) -> np.ndarray:
        """Return the mean strength of edges within a square about each point.

        Args:
            points: float [..., 2], pixels of the picture; for points outside the nearest pixel counts.
            reach: half the side of the square, pixels.
        """
        height, width = self.sums.shape[0] - 1, self.sums.shape[1] - 1
        centres = np.asarray(points) / _REDUCTION
        half = max(reach / _REDUCTION, 0.5)
        limits = np.array([width, height])
        low = np.clip(np.rint(centres - half).astype(int), 0, limits - 1)
        high = np.clip(np.rint(centres + half).astype(int), low + 1, limits)
        (x0, y0), (x1, y1) = np.moveaxis(low, -1, 0), np.moveaxis(high, -1, 0)
        total = self.sums[y1, x1] - self.sums[y0, x1] - self.sums[y1, x0] + self.sums[y0, x0]
        return total / ((x1 - x0) * (y1 - y0))


@dataclass(frozen=True)
class Preference:
    """A preference for smooth places.

    Attributes:
        roughness: of the picture.
        strength: 0 takes the first free place, 1 the smoothest; a value between takes the first place among the
            smoothest share of 1 - strength. Places at least 2 - strength times as rough as the whole picture are
            refused.
    """

    roughness: Roughness
    strength: float

    def choose(self, points: np.ndarray, reach: float, shifts: np.ndarray) -> int | None:
        """Return the index of the best of the shifts [N, 2] for a block that covers `points` [K, 2]; None for none."""
        edges = self.roughness.around(points[None] + shifts[:, None], reach).mean(axis=1)
        kept = max(1, int(np.ceil((1 - self.strength) * len(shifts))))
        wanted = np.sort(np.argsort(edges, kind="stable")[:kept])
        if self.strength > 0:
            wanted = wanted[edges[wanted] < (2 - self.strength) * self.roughness.mean + 1e-9]
        return int(wanted[0]) if len(wanted) else None
