"""A SynthText dataset small enough to train on within seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import scipy.io

SIZE = 96


def write_synthtext(root: Path, count: int, seed: int) -> Path:
    """Write `count` images of dark letters on light ground, in SynthText's layout."""
    rng = np.random.default_rng(seed)
    columns = {name: np.empty((1, count), object) for name in ("charBB", "wordBB", "imnames", "txt")}
    (root / "8").mkdir(parents=True)
    for index in range(count):
        image = np.full((SIZE, SIZE + 16, 3), 200 + index % 40, np.uint8)
        chars, words, texts = [], [], []
        for line in range(2):
            word = "".join(rng.choice(list("ABCDEFH"), 3))
            left, top = int(rng.integers(4, 30)), 12 + 42 * line
            cv2.putText(image, word, (left, top + 22), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (20, 20, 40), 2)
            edges = [[left + 19 * k, left + 19 * k + 19] for k in range(3)]
            chars += [np.array([[a, b, b, a], [top, top, top + 24, top + 24]], float) for a, b in edges]
            words.append(np.array([[left, left + 57, left + 57, left], [top, top, top + 24, top + 24]], float))
            texts.append(word)
        name = f"8/scene_{index}.jpg"
        cv2.imwrite(str(root / name), image)
        columns["imnames"][0, index] = name
        columns["charBB"][0, index] = np.stack(chars, -1)
        columns["wordBB"][0, index] = np.stack(words, -1)
        columns["txt"][0, index] = np.array(texts)
    scipy.io.savemat(root / "gt.mat", columns)
    return root
