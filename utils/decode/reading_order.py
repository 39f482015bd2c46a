"""The order in which people read the words of an image: lines from top to bottom, words from left to right."""

from __future__ import annotations

import numpy as np

from data.recognition.lines import join_lines

_SAME_ROW = 0.5
"""Two lines are in the same row if the vertical distance of their centres is below this, in units of the smaller of
their heights. Rows are read from top to bottom, the lines of a row from left to right."""


def reading_order(boxes: np.ndarray) -> list[int]:
    """Return the indices of boxes in reading order.

    Words that follow one another closely form a line, which may be slanted; lines side by side are read from left to
    right.

    Args:
        boxes: float [N, 4, 2], clockwise from the corner where the text starts.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4, 2)
    lines = join_lines(boxes, np.zeros(len(boxes), bool))
    middles = [float(boxes[line, :, 1].mean()) for line in lines]
    heights = [float(np.linalg.norm(boxes[line, 3] - boxes[line, 0], axis=1).mean()) for line in lines]
    rows: list[list[int]] = []
    for line in sorted(range(len(lines)), key=lambda line: (middles[line], lines[line])):
        first = rows[-1][0] if rows else line
        if rows and middles[line] - middles[first] < _SAME_ROW * min(heights[line], heights[first]):
            rows[-1].append(line)
        else:
            rows.append([line])
    lefts = [float(boxes[line, :, 0].min()) for line in lines]
    return [word for row in rows for line in sorted(row, key=lambda line: (lefts[line], line)) for word in lines[line]]
