"""The IoU protocol on 100 words and 100 detections an image: pruned by bounding boxes against every pair that meets.

    python benchmarks/detection_iou.py [--images N] [--rounds N]

Both find the same matches, which is checked image by image. Times are CPU seconds of one thread for all images, the two
in turns, medians over rounds; the last column is the ratio of the two medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "metrics")]

from detection_iou_twin import plain_record  # noqa: E402

from metrics.detection import ImageRecord, ImageWords  # noqa: E402
from metrics.detection_iou import DetectionIoU  # noqa: E402

IMAGE_SIZE = 1000
CASES = {"words 40-240 px long": (40, 240), "words 200-600 px long": (200, 600)}


def quads(rng: np.random.Generator, count: int, lengths: tuple[float, float]) -> np.ndarray:
    """Return turned rectangles anywhere in the image, float32 [count, 4, 2]; most of them overlap others."""
    centres = rng.uniform(0, IMAGE_SIZE, (count, 1, 2))
    width = rng.uniform(*lengths, count)
    height = width * rng.uniform(0.2, 0.5, count)
    turn = rng.uniform(-0.5, 0.5, count)
    across = np.stack([np.cos(turn), np.sin(turn)], axis=-1) * width[:, None] / 2
    down = np.stack([-np.sin(turn), np.cos(turn)], axis=-1) * height[:, None] / 2
    corners = np.stack([-across - down, across - down, across + down, down - across], axis=1)
    return (centres + corners).astype(np.float32)


def image_words(seed: int, count: int, lengths: tuple[float, float]) -> ImageWords:
    """Return an image of which half the detections are words moved by some pixels; one word in five is ignored."""
    rng = np.random.default_rng(seed)
    gt, det = quads(rng, count, lengths), quads(rng, count, lengths)
    near = count // 2
    det[:near] = gt[:near] + rng.normal(0, 4, (near, 1, 2))
    return ImageWords(str(seed), gt, rng.random(count) < 0.2, det)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{arguments.images} images of 100 words and 100 detections, medians of {arguments.rounds} rounds\n")
    print("| quads | matches | every pair, s | pruned, s | ratio |")
    print("|---|---|---|---|---|")
    for name, lengths in CASES.items():
        images = [image_words(seed, 100, lengths) for seed in range(arguments.images)]
        seconds: dict[str, list[float]] = {"plain": [], "pruned": []}
        found: dict[str, list[ImageRecord]] = {}
        metric = DetectionIoU()
        for _ in range(arguments.rounds):
            for kind, score in (("plain", plain_record), ("pruned", metric.score)):
                start = time.process_time()
                found[kind] = [score(image) for image in images]
                seconds[kind].append(time.process_time() - start)
        assert found["plain"] == found["pruned"]
        matches = sum(record.counts.matched for record in found["pruned"])
        plain, pruned = statistics.median(seconds["plain"]), statistics.median(seconds["pruned"])
        print(f"| {name} | {matches:,} | {plain:.2f} | {pruned:.2f} | {plain / pruned:.1f} |")


if __name__ == "__main__":
    main()
