"""A dataset of painted pictures in memory, with what may go wrong."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from data.reader import DropReport, UnreadableSample
from data.recognition.sample import WordReader, WordSample


class PaintedWords(WordReader):
    """Words written by OpenCV on pictures of random sizes; those in `broken` cannot be read."""

    def __init__(self, count: int, seed: int = 0, broken: frozenset[int] = frozenset()) -> None:
        rng = np.random.default_rng(seed)
        self.report = DropReport(words=count)
        self.sizes = np.stack([rng.integers(12, 90, count), rng.integers(10, 400, count)], axis=1)
        self.words = ["".join(rng.choice(list("abcde"), rng.integers(1, 9))) for _ in range(count)]
        self.broken = broken
        self.sizes_asked = 0

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, index: int) -> WordSample:
        self._check(index)
        height, width = self.sizes[index].tolist()
        image = np.full((height, width, 3), (200, 180, 150), np.uint8)
        cv2.putText(image, self.words[index], (3, height - 4), cv2.FONT_HERSHEY_SIMPLEX, height / 30, (20, 40, 60), 2)
        return WordSample(self.name(index), image, self.words[index])

    def text(self, index: int) -> str:
        return self.words[index]

    def name(self, index: int) -> str:
        return f"word_{index}"

    def size(self, index: int) -> tuple[int, int]:
        self.sizes_asked += 1
        self._check(index)
        return int(self.sizes[index, 0]), int(self.sizes[index, 1])

    def path(self, index: int) -> Path | None:
        return None

    def fingerprint(self) -> str:
        return f"painted{len(self)}"

    def _check(self, index: int) -> None:
        if index in self.broken:
            raise UnreadableSample(self.name(index), "image: missing")
