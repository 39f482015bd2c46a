"""Padding of batches of words, and words per second of one loader process, on the pictures of a folder.

python -m benchmarks.word_batches FOLDER --height 32 --batch 192
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from config.schema.word_data import WordAugmentation, WordData
from data.order import SampleOrder, position_rng
from data.readers.listing import IMAGE_SUFFIXES
from data.recognition.augment import augmented
from data.recognition.buckets import WidthOrder, padding_share
from data.recognition.preprocess import WordPreprocess
from data.recognition.widths import input_widths


def mild() -> WordAugmentation:
    """Every change with the same small probability."""
    return WordAugmentation(**{name: {"probability": 0.15} for name in WordAugmentation.model_fields})


def rate(work: Callable[[int], object], seconds: float) -> float:
    """Return how often per second `work` is done, in one thread."""
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        work(done)
        done += 1
    return done / (time.perf_counter() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--height", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    cv2.setNumThreads(0)
    paths = sorted(path for path in arguments.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    files = [path.read_bytes() for path in paths]
    images = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB) for data in files]
    preprocess = WordPreprocess.of(WordData(height=arguments.height))
    widths = input_widths(np.array([image.shape[:2] for image in images], np.int32), preprocess)
    positions = range(max(1, 20 * len(images) // arguments.batch) * arguments.batch)
    print(f"{len(images):,} pictures, height {arguments.height}, batches of {arguments.batch}")
    print("padding, as a share of all pixels:")
    print(f"  up to {preprocess.max_width:<13} {1 - widths.mean() / preprocess.max_width:6.1%}")
    orders: dict[str, SampleOrder | WidthOrder] = {"at random": SampleOrder(len(images), 1)}
    for batches in (16, 64, 256):
        orders[f"windows of {batches}"] = WidthOrder(len(images), 1, arguments.batch, widths, batches=batches)
    for name, order in orders.items():
        own = widths[[order[position] for position in positions]]
        print(f"  {name:<19} {padding_share(own, arguments.batch):6.1%}")
    count = len(images)
    changes = mild()
    work: dict[str, Callable[[int], object]] = {
        "decode": lambda k: cv2.imdecode(np.frombuffer(files[k % count], np.uint8), cv2.IMREAD_COLOR_RGB),
        "fit": lambda k: preprocess.fit(images[k % count]),
        "fit and augment": lambda k: augmented(images[k % count], preprocess, changes, position_rng(1, k)),
    }
    print("words per second, one thread:")
    for name, task in work.items():
        print(f"  {name:<19} {rate(task, arguments.seconds):8,.0f}")


if __name__ == "__main__":
    main()
