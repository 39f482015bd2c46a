"""Ground truths in SynthText's layout for the tests, and a plain reader of them to compare with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io


def box(x: float, y: float, width: float = 8, height: float = 12) -> np.ndarray:
    """Return a rectangle [2, 4] as SynthText stores it: a row of x, a row of y."""
    return np.array([[x, x + width, x + width, x], [y, y, y + height, y + height]], np.float64)


def boxes(*each: np.ndarray) -> np.ndarray:
    """Stack boxes to [2, 4, N], or leave [2, 4] where there is one, as MATLAB does."""
    return each[0] if len(each) == 1 else np.stack(each, -1)


def entry(name: str, *strings: str) -> dict:
    """Return an image whose words and characters lie in rows, one row for each word."""
    words = " ".join(strings).split()
    return {
        "imnames": name,
        "txt": list(strings),
        "wordBB": boxes(*[box(5, 5 + 20 * k, 9 * len(word)) for k, word in enumerate(words)]),
        "charBB": boxes(*[box(5 + 9 * j, 5 + 20 * k) for k, word in enumerate(words) for j in range(len(word))]),
    }


def write_mat(path: Path, entries: list[dict], **options) -> Path:
    columns = {name: np.empty((1, len(entries)), object) for name in ("charBB", "wordBB", "imnames", "txt")}
    for k, item in enumerate(entries):
        for name, column in columns.items():
            column[0, k] = np.array(item[name]) if name == "txt" else item[name]
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, columns, **options)
    return path


def plain_read(path: Path) -> list[tuple[str, list[str], np.ndarray, np.ndarray, list[int]]]:
    """Read a faultless gt.mat the slow way: name, words, word quads, character quads, word of each character."""
    content = scipy.io.loadmat(path)
    images = []
    for k in range(content["imnames"].shape[1]):
        words = [word for string in content["txt"][0, k] for word in str(string).split()]
        word_quads = [content["wordBB"][0, k].reshape(2, 4, -1)[:, :, w].T for w in range(len(words))]
        owners = [w for w, word in enumerate(words) for _ in word]
        char_quads = [content["charBB"][0, k].reshape(2, 4, -1)[:, :, c].T for c in range(len(owners))]
        images.append((str(content["imnames"][0, k][0]), words, np.array(word_quads), np.array(char_quads), owners))
    return images
