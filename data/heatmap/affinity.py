"""The quads between neighbouring characters of a word.

The diagonals of a character's quad cut it into four triangles. In a horizontal word the centroids of the upper
and lower triangles of two neighbours are the corners of the affinity quad between them; in a vertical word it is
the left and right ones. Source: Baek et al., CVPR 2019, section 3.2.1 and figure 3.
"""

from __future__ import annotations

import numpy as np

from data.heatmap.homography import diagonal_crossings


def affinity_quads(char_quads: np.ndarray, char_words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the quads between neighbouring characters of each word.

    Args:
        char_quads: float [C, 4, 2] in reading order.
        char_words: int [C], the word of each character.

    Returns:
        quads: float32 [A, 4, 2].
        vertical: bool [A], True where the word runs along its characters' vertical axis.
    """
    char_quads = np.asarray(char_quads, np.float64).reshape(-1, 4, 2)
    char_words = np.asarray(char_words)
    first = np.flatnonzero(char_words[1:] == char_words[:-1]) if len(char_words) else np.zeros(0, np.int64)
    second = first + 1
    vertical = vertical_characters(char_quads, char_words)[first]

    centres = diagonal_crossings(char_quads)
    corners = np.concatenate([char_quads, char_quads[:, :1]], axis=1)
    # Triangle k lies at the edge from corner k to corner k + 1: top, right, bottom, left.
    triangles = (corners[:, :4] + corners[:, 1:] + centres[:, None]) / 3
    top, right, bottom, left = (triangles[:, edge] for edge in range(4))
    across = np.stack([top[first], top[second], bottom[second], bottom[first]], axis=1)
    down = np.stack([left[first], right[first], right[second], left[second]], axis=1)
    return np.where(vertical[:, None, None], down, across).astype(np.float32), vertical


def vertical_characters(char_quads: np.ndarray, char_words: np.ndarray) -> np.ndarray:
    """Tell for each character whether its word is written downwards; False for words of one character.

    A word is vertical if the line from its first to its last character is closer to the vertical axis of the
    characters than to their horizontal axis, so a horizontal word turned by 90 degrees stays horizontal.

    Args:
        char_quads: float [C, 4, 2].
        char_words: int [C], non-decreasing.

    Returns:
        bool [C].
    """
    if not len(char_quads):
        return np.zeros(0, bool)
    starts = np.flatnonzero(np.r_[True, char_words[1:] != char_words[:-1]])
    counts = np.diff(np.r_[starts, len(char_words)])
    centres = char_quads.mean(axis=1)
    path = centres[starts + counts - 1] - centres[starts]
    x_axis = char_quads[:, 1] - char_quads[:, 0] + char_quads[:, 2] - char_quads[:, 3]
    y_axis = char_quads[:, 3] - char_quads[:, 0] + char_quads[:, 2] - char_quads[:, 1]
    along = [_share_along(np.add.reduceat(axis, starts), path) for axis in (x_axis, y_axis)]
    return np.repeat(along[1] > along[0], counts)


def _share_along(axis: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Return the length of `path` [N, 2] along the direction of `axis` [N, 2]."""
    length = np.maximum(np.linalg.norm(axis, axis=1), 1e-12)
    return np.abs((axis * path).sum(axis=1)) / length
