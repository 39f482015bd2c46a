"""The sizes of a dataset's pictures, read once from their headers, and what they tell before training starts."""

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
"""Samples that a thread reads before it takes more."""


def picture_sizes(reader: WordReader) -> np.ndarray:
    """Return the height and width of every picture of a dataset, without decoding any.

    Returns:
        int32 [N, 2], pixels; 0 where a picture cannot be read.
    """
    sizes = np.zeros((len(reader), 2), np.int32)

    def read(first: int) -> None:
        for index in range(first, min(first + _BLOCK, len(reader))):
            try:
                sizes[index] = reader.size(index)
            except UnreadableSample:
                continue  # Counted where it is to be trained on.

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="picture-sizes") as pool:
        blocks = range(0, len(reader), _BLOCK)
        list(progress_bar(pool.map(read, blocks), len(blocks), "sizes of the pictures", unit="block"))
    return sizes


def input_widths(sizes: np.ndarray, preprocess: WordPreprocess) -> np.ndarray:
    """Return the width of every picture's input.

    Args:
        sizes: int [N, 2] as `picture_sizes` returns them.
        preprocess: what makes the inputs.

    Returns:
        int16 [N]; the median of the others where a picture cannot be read, for another one takes its place.
    """
    readable = sizes.min(axis=1, initial=1) > 0
    widths = np.full(len(sizes), preprocess.min_width, np.int16)
    height, width = sizes[readable].T.astype(np.int64)
    widths[readable] = preprocess.input_width(height, width)
    if readable.any():
        widths[~readable] = np.median(widths[readable])
    return widths


def bucket_widths(reader: WordReader, preprocess: WordPreprocess) -> Widths | None:
    """Return what pictures are put into buckets by: their widths, or, of pictures that are drawn when they are asked
    for (readers say so by `drawn`), the lengths of their labels: to know the size is to draw the picture.

    None where to know the label is, too (`slow_labels`): the words of a window of batches would all be drawn by every
    loader process before the first of them is trained on.
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
    """Return the numbers of the pictures, int [K], that lose their ratio because they are too long."""
    height, width = np.maximum(sizes.T.astype(np.int64), 1)
    return np.flatnonzero(np.broadcast_to(preprocess.is_squeezed(height, width), len(sizes)))


class TextWidths:
    """Lengths of labels in the place of widths, for pictures whose size is unknown before they are drawn.

    They are asked for when they are needed, a window of batches at a time (`data.recognition.buckets.Widths`), by
    every loader process for all samples of the window.

    Args:
        reader: the dataset; its `text` must be quick.
    """

    def __init__(self, reader: WordReader) -> None:
        self.reader = reader

    def __getitem__(self, indices: np.ndarray) -> np.ndarray:
        return np.array([len(self.reader.text(int(index))) for index in indices], np.int32)
