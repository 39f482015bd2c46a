"""Word boxes from score maps: windows against the plain full-map version, in one run on the same maps.

    python benchmarks/postprocess.py [--repeats N]

Both give identical boxes, which is checked before anything is timed. Times are medians; the last column is the ratio
of the two medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "utils" / "decode")]

from postprocess_twin import plain_boxes  # noqa: E402

from utils.decode import detect_words  # noqa: E402

THRESHOLDS = (0.7, 0.4, 0.4)
HEIGHT, WIDTH = 368, 640  # the maps of a 720 x 1280 image


def words(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw `count` words of 3 to 9 characters, Gaussians in a row, at random places."""
    rng = np.random.default_rng(seed)
    region, affinity = np.zeros((2, HEIGHT, WIDTH), np.float32)
    for _ in range(count):
        sigma, letters = rng.uniform(1.5, 4), int(rng.integers(3, 10))
        pitch, angle = 3.4 * sigma, rng.uniform(-0.4, 0.4)
        x, y = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
        for half in range(2 * letters - 1):
            step = half * pitch / 2
            stamp(affinity if half % 2 else region, x + step * np.cos(angle), y + step * np.sin(angle), sigma)
    return region, affinity


def stamp(plane: np.ndarray, x: float, y: float, sigma: float) -> None:
    """Lay a Gaussian over a map."""
    reach = int(4 * sigma)
    left, top = max(0, int(x) - reach), max(0, int(y) - reach)
    window = plane[top : max(0, int(y) + reach + 1), left : max(0, int(x) + reach + 1)]
    if window.size:
        yy, xx = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
        np.maximum(window, np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2)), out=window)


def median_ms(function: Callable[[], object], repeats: int) -> float:
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    text, low, link = THRESHOLDS
    print(f"maps of {WIDTH} x {HEIGHT}, medians of {repeats}")
    print(f"{'words':>6} {'boxes':>6} {'plain ms':>9} {'ours ms':>9} {'ratio':>7}")
    for count in (10, 40, 160, 640):
        region, affinity = words(count)

        def ours(region: np.ndarray = region, affinity: np.ndarray = affinity) -> np.ndarray:
            return detect_words(region, affinity, text_threshold=text, low_text=low, link_threshold=link).boxes

        def plain(region: np.ndarray = region, affinity: np.ndarray = affinity) -> np.ndarray:
            return plain_boxes(region, affinity, text, low, link)[0]

        boxes = ours()
        np.testing.assert_array_equal(boxes, plain())
        slow, fast = median_ms(plain, repeats), median_ms(ours, repeats)
        print(f"{count:>6} {len(boxes):>6} {slow:>9.2f} {fast:>9.2f} {slow / fast:>7.1f}")


if __name__ == "__main__":
    main()
