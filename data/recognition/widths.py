"""The sizes of a dataset's pictures, read once from their headers, and the widths of inputs that follow from them."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from data.io.progress import progress_bar
from data.reader import UnreadableSample
from data.recognition.buckets import Widths
from data.recognition.preprocess import WordPreprocess
from data.recognition.sample import WordReader

log = logging.getLogger(__name__)

_THREADS = 8
_BLOCK = 512
"""Number of samples that a thread reads at a time."""


def picture_sizes(reader: WordReader) -> np.ndarray:
    """Return the height and width of every picture of a dataset, without decoding any.

    Returns:
        int32 [N, 2], pixels; zeros for a picture that cannot be read.
    """
    sizes = np.zeros((len(reader), 2), np.int32)

    def read(first: int) -> None:
        for index in range(first, min(first + _BLOCK, len(reader))):
            try:
                sizes[index] = reader.size(index)
            except UnreadableSample:
                continue  # Counted later, by the training set.

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="picture-sizes") as pool:
        blocks = range(0, len(reader), _BLOCK)
        list(progress_bar(pool.map(read, blocks), len(blocks), "sizes of the pictures", unit="block"))
    return sizes


def input_widths(sizes: np.ndarray, preprocess: WordPreprocess) -> np.ndarray:
    """Return the width of every picture's input.

    Args:
        sizes: int [N, 2] as `picture_sizes` returns them.
        preprocess: the preprocessing that makes the inputs.

    Returns:
        int16 [N], pixels; the median for a picture that cannot be read, because another one will replace it.
    """
    readable = sizes.min(axis=1, initial=1) > 0
    widths = np.full(len(sizes), preprocess.min_width, np.int16)
    height, width = sizes[readable].T.astype(np.int64)
    widths[readable] = preprocess.input_width(height, width)
    if readable.any():
        widths[~readable] = np.median(widths[readable])
    return widths


def bucket_widths(reader: WordReader, preprocess: WordPreprocess) -> Widths | None:
    """Return the values by which pictures of similar width are grouped.

    These are the widths of the inputs. For pictures that are drawn when they are needed (`WordReader.drawn`) they are
    the lengths of the labels, because finding the size would draw the picture. If finding the label draws it as well
    (`slow_labels`), return None: every loader process would draw all words of a window of batches before training
    could start.
    """
    if reader.slow_labels:
        log.info(
            "words cut out of generated scenes are not sorted by width: their labels are known once they are drawn"
        )
        return None
    if reader.drawn:
        return TextWidths(reader)
    return input_widths(picture_sizes(reader), preprocess)


def squeezed(sizes: np.ndarray, preprocess: WordPreprocess) -> np.ndarray:
    """Return the indices, int [K], of the pictures that lose their aspect ratio because they are too long.

    Args:
        sizes: int [N, 2] as `picture_sizes` returns them.
        preprocess: the preprocessing that makes the inputs.
    """
    height, width = np.maximum(sizes.T.astype(np.int64), 1)
    return np.flatnonzero(np.broadcast_to(preprocess.is_squeezed(height, width), len(sizes)))


class TextWidths:
    """Lengths of labels instead of widths, for pictures whose size is unknown before they are drawn.

    Every loader process reads those of all samples of a window of batches when it reaches the window (see
    `data.recognition.buckets.Widths`).

    Args:
        reader: the dataset; its `text` must be fast.
    """

    def __init__(self, reader: WordReader) -> None:
        self.reader = reader

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.array([len(self.reader.text(int(index))) for index in indices], np.int32)
