"""From an image to the crops of its words, and from the boxes found in the crops to labels of the image."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.heatmap.grid import MAP_STRIDE
from data.preprocess import SIZE_MULTIPLE
from data.pseudo_label.confidence import boxes_to_quads, count_characters, judge
from data.pseudo_label.crops import WordCrop, cut_word, is_vertical, word_faults
from data.pseudo_label.records import ImageLabels, LabelSettings, WordKind
from data.reader import Reader, UnreadableSample
from data.sample import TextSample


@dataclass(frozen=True)
class CutImage:
    """The words of an image that are to be labelled, and why the others are not.

    Attributes:
        crops: of the words to be labelled.
        owners: int64, the word of each crop.
        expected: int64, its number of characters.
        kind: uint8 [W], a `WordKind`; 0 for the words to be labelled.
        checksum: of the image's pixels.
    """

    crops: list[WordCrop]
    owners: np.ndarray
    expected: np.ndarray
    kind: np.ndarray
    checksum: int


def image_checksum(image: np.ndarray) -> int:
    """Return a 32-bit checksum of the pixels of an image, uint8 [H, W, 3]; never 0."""
    return zlib.crc32(np.ascontiguousarray(image)) or 1


def cut_image(reader: Reader, index: int, settings: LabelSettings) -> CutImage:
    """Read an image and cut out its words. If it cannot be read, there are no crops and every word is `UNREADABLE`."""
    try:
        sample = reader[index]
    except UnreadableSample:
        words = len(reader.annotation(index).words)
        none = np.zeros(0, np.int64)
        return CutImage([], none, none, np.full(words, WordKind.UNREADABLE, np.uint8), 0)
    return cut_words(sample, settings)


def cut_words(sample: TextSample, settings: LabelSettings) -> CutImage:
    """Cut out the words of an image to be labelled: those with a text and a usable box, but without characters."""
    expected = np.array([count_characters(word) for word in sample.words], np.int64)
    kind = word_faults(sample.word_quads, *sample.image.shape[:2])
    kind[expected == 0] = WordKind.EMPTY
    kind[sample.ignore] = WordKind.IGNORED
    kind[np.setdiff1d(sample.char_words, np.flatnonzero(sample.ignore))] = WordKind.TRUE
    owners = np.flatnonzero(kind == 0)
    fill = tuple(float(np.rint(255 * mean)) for mean in settings.preprocess.mean)
    crops = [
        cut_word(
            sample.image,
            sample.word_quads[word],
            vertical=is_vertical(sample.word_quads[word], int(expected[word])),
            crop_height=settings.crop_height,
            margin=settings.crop_margin,
            fill=fill,
        )
        for word in owners
    ]
    return CutImage(crops, owners, expected[owners], kind, image_checksum(sample.image))


def padded_shape(crop: WordCrop) -> tuple[int, int]:
    """Return height and width of the network's input for a crop."""
    height, width = (-(-side // SIZE_MULTIPLE) * SIZE_MULTIPLE for side in crop.pixels.shape[:2])
    return height, width


def network_input(crops: Sequence[WordCrop], settings: LabelSettings) -> np.ndarray:
    """Return the crops of one padded shape as a batch, float32 [B, 3, H, W].

    They are padded at the right and bottom to multiples of 32, with 0 after normalisation. The padding does not depend
    on the batch, so neither do the scores of a word.
    """
    height, width = padded_shape(crops[0])
    batch = np.zeros((len(crops), 3, height, width), np.float32)
    for row, crop in zip(batch, crops, strict=True):
        row[:, : crop.pixels.shape[0], : crop.pixels.shape[1]] = settings.preprocess.normalise(crop.pixels)
    return batch


def pixel_batch(crops: Sequence[WordCrop]) -> tuple[np.ndarray, np.ndarray]:
    """Return the crops of one padded shape as they travel to a device: `network_input` before it is normalised.

    Returns:
        uint8 [B, H, W, 3], padded with anything, and int64 [B, 2]: height and width of what is no padding.
    """
    height, width = padded_shape(crops[0])
    batch = np.zeros((len(crops), height, width, 3), np.uint8)
    for row, crop in zip(batch, crops, strict=True):
        row[: crop.pixels.shape[0], : crop.pixels.shape[1]] = crop.pixels
    return batch, np.array([crop.pixels.shape[:2] for crop in crops], np.int64)


def word_map(region: np.ndarray, crop: WordCrop) -> np.ndarray:
    """Return the part of a crop's region score that lies on the word itself, without border and padding.

    Args:
        region: float [h, w], at half the resolution of the padded crop.
        crop: the crop.

    Returns:
        float [h', w'], a view: half of `crop.word_shape`, rounded up.
    """
    start = crop.border // MAP_STRIDE
    height, width = (-(-side // MAP_STRIDE) for side in crop.word_shape)
    return region[start : start + height, start : start + width]


def label_image(cut: CutImage, found: Sequence[np.ndarray], keep_above: float) -> ImageLabels:
    """Put an image's labels together.

    Args:
        cut: the image's words.
        found: the boxes in each crop, float [n, 4]: left, top, right and bottom in pixels of the word without border.
        keep_above: at this confidence or below it a word is split equally; see `judge`.
    """
    confidence = np.zeros(len(cut.kind), np.float32)
    kind = cut.kind.copy()
    counts = np.full(len(cut.kind), -1, np.int32)
    quads, words = [np.zeros((0, 4, 2), np.float32)], [np.zeros(0, np.int64)]
    for crop, word, expected, boxes in zip(cut.crops, cut.owners, cut.expected, found, strict=True):
        chosen, confidence[word], kept = judge(boxes, int(expected), crop.word_shape, crop.vertical, keep_above)
        kind[word] = WordKind.KEPT if kept else WordKind.SPLIT
        counts[word] = len(boxes)
        quads.append(boxes_to_quads(chosen + crop.border, crop.matrix))
        words.append(np.full(len(chosen), word, np.int64))
    return ImageLabels(np.concatenate(quads), np.concatenate(words), confidence, kind, counts, cut.checksum)
