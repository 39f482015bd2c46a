"""A dataset whose pictures are their own region score, and the teacher that reads it off them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np

from data.preprocess import Preprocess
from data.reader import DropReport, UnreadableSample
from data.sample import TextSample

PREPROCESS = Preprocess()


def box(left, top, width, height):
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float32)


def painted(name: str, words: list[tuple[str, float, float, int]], size=(160, 240), pitch=16.0) -> TextSample:
    """Return a picture with, for each (text, left, top, number of blobs), a row of blobs in a box 20 high."""
    y, x = np.mgrid[: size[0], : size[1]]
    light = np.zeros(size)
    quads = []
    for _, left, top, blobs in words:
        for k in range(blobs):
            cx, cy = left + pitch * (k + 0.5), top + 10
            np.maximum(light, np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 3.0**2)), out=light)
        quads.append(box(left, top, pitch * max(blobs, 1), 20))
    image = np.repeat(np.rint(255 * light)[..., None], 3, axis=2).astype(np.uint8)
    texts = [text for text, *_ in words]
    ignore = np.array([text in ("###", "") for text in texts], bool)
    return TextSample(name, image, texts, np.array(quads, np.float32).reshape(-1, 4, 2), ignore)


class PaintedReader:
    """Serves samples; those named in `broken` cannot be read."""

    def __init__(self, samples: list[TextSample], broken: tuple[str, ...] = ()) -> None:
        self.samples, self.broken = samples, broken
        self.report = DropReport()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> TextSample:
        sample = self.samples[index]
        if sample.sample_id in self.broken:
            raise UnreadableSample(sample.sample_id, "image: missing")
        return sample

    def annotation(self, index: int) -> TextSample:
        return replace(self.samples[index], image=np.zeros((0, 0, 3), np.uint8))

    def fingerprint(self) -> str:
        content = "".join(f"{one.sample_id} {one.words} {one.word_quads.tolist()}" for one in self.samples)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def brightness_teacher(batch: np.ndarray) -> np.ndarray:
    """Return the mean red of each 2 x 2 pixels, in 0..1, as region score."""
    assert batch.dtype == np.float32 and batch.shape[1] == 3
    assert batch.shape[2] % 32 == 0 and batch.shape[3] % 32 == 0
    red = batch[:, 0] * PREPROCESS.std[0] + PREPROCESS.mean[0]
    halves = red.reshape(len(red), red.shape[1] // 2, 2, red.shape[2] // 2, 2).mean(axis=(2, 4))
    return np.stack([halves, np.zeros_like(halves)], axis=-1)


def small_dataset(images: int = 12, seed: int = 0) -> PaintedReader:
    """Return pictures of one to four words of one to eight characters; some have another number of blobs."""
    rng = np.random.default_rng(seed)
    samples = []
    for number in range(images):
        words = []
        for row in range(int(rng.integers(1, 5))):
            length = int(rng.integers(1, 9))
            blobs = length if rng.random() < 0.7 else int(rng.integers(0, 9))
            words.append(("x" * length, float(rng.uniform(0, 90)), 8.0 + 38 * row, blobs))
        samples.append(painted(f"img_{number}", words))
    return PaintedReader(samples)


def faultless(words: list[tuple[str, float, float, int]]) -> PaintedReader:
    """Return a dataset of one picture."""
    return PaintedReader([painted("a", words)])
