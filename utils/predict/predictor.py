"""Using a detector, a recogniser or both on pictures: where the words are, what they say, and how sure that is.

Every step is the one that evaluations take: the same decoding of files, preprocessing, maps, boxes, cutting of words
and decoding of scores. So a prediction on a validation folder is what the validation counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.io.read_ahead import read_ahead
from data.preprocess import FittedImage
from data.reader import UnreadableSample
from model.head import Reading
from utils.decode import Detections
from utils.decode.reading_order import reading_order
from utils.evaluate.results import rounded
from utils.predict.images import ImageFiles
from utils.predict.steps import BoxReading, Detecting

_BATCHES_AHEAD = 32
"""Batches' worth of word pictures that are sorted by width together, as an evaluation does."""
_MOST_PIXELS = 2**27
"""Pixels of pictures that are held at once; words never get there, photos given as lines would."""
_THREADS = 2


@dataclass(frozen=True)
class Word:
    """A word or line that was found or read.

    Attributes:
        points: float [P, 2], its outline in pixels of the image; None where the whole image is the word.
        text, confidence: what it says and EasyOCR's confidence of that; None where nothing was read.
        score: the highest region score in it; None without a detector.
    """

    points: np.ndarray | None
    text: str | None
    confidence: float | None
    score: float | None

    def values(self) -> dict[str, Any]:
        """Return what JSON holds of it, rounded as in the files of evaluations."""
        points = None if self.points is None else rounded(self.points)
        confidence = None if self.confidence is None else round(self.confidence, 4)
        return {"points": points, "text": self.text, "confidence": confidence,
                "score": None if self.score is None else round(self.score, 4)}  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """What there is in an image.

    Attributes:
        file: name of the image, as it was given.
        image: uint8 [H, W, 3], RGB; None where it cannot be read.
        words: in reading order.
        error: why it cannot be read, or None.
    """

    file: str
    image: np.ndarray | None
    words: list[Word] = field(default_factory=list)
    error: str | None = None

    def values(self) -> dict[str, Any]:
        """Return what JSON holds of it; `error` is there for images that cannot be read only."""
        height, width = (None, None) if self.image is None else self.image.shape[:2]
        found = {"file": self.file, "width": width, "height": height, "words": [word.values() for word in self.words]}
        return found if self.error is None else {**found, "error": self.error}


class Predictor:
    """Finds words, reads them, or both.

    Args:
        detector: None takes every picture for one word or line.
        recognizer: None finds words without reading them.
    """

    def __init__(self, detector: Detecting | None, recognizer: BoxReading | None) -> None:
        if detector is None and recognizer is None:
            raise ValueError("a detector or a recogniser is needed")
        self._detector, self._recognizer = detector, recognizer

    def run(self, pictures: ImageFiles) -> Iterator[Prediction]:
        """Yield what is in each picture, in their order; those that cannot be read have an `error`."""
        if self._detector is None:
            return self._read_pictures(pictures, self._recognizer)  # type: ignore[arg-type]
        return self._find_words(pictures, self._detector)

    def _find_words(self, pictures: ImageFiles, detector: Detecting) -> Iterator[Prediction]:
        """Yield predictions; the next picture is being prepared while the caller and the network compute."""

        def load(index: int) -> tuple[np.ndarray, FittedImage]:
            image = pictures[index]
            return image, detector.fit(image)

        for index, item in enumerate(read_ahead(load, range(len(pictures)))):
            if isinstance(item, UnreadableSample):
                yield Prediction(pictures.name(index), None, error=item.reason)
            else:
                image, fitted = item
                yield Prediction(pictures.name(index), image, self._words(image, detector.find(fitted)))

    def _words(self, image: np.ndarray, found: Detections) -> list[Word]:
        order = reading_order(found.boxes)
        readings: Sequence[Reading | None] = [None] * len(found)
        if self._recognizer is not None:
            readings = self._recognizer.read(image, found.boxes)
        return [_word(readings[one], found.polygons[one], float(found.scores[one])) for one in order]

    def _read_pictures(self, pictures: ImageFiles, recognizer: BoxReading) -> Iterator[Prediction]:
        for first, images in _chunks(pictures, recognizer.batch_size):
            readable = [image for image in images if not isinstance(image, UnreadableSample)]
            readings = iter(recognizer.words.pictures(readable, recognizer.batch_size))
            for index, image in enumerate(images, first):
                if isinstance(image, UnreadableSample):
                    yield Prediction(pictures.name(index), None, error=image.reason)
                else:
                    yield Prediction(pictures.name(index), image, [_word(next(readings), None, None)])


def _word(reading: Reading | None, points: np.ndarray | None, score: float | None) -> Word:
    if reading is None:
        return Word(points, None, None, score)
    return Word(points, reading.text, float(reading.confidence), score)


def _chunks(pictures: ImageFiles, batch_size: int) -> Iterator[tuple[int, list[np.ndarray | UnreadableSample]]]:
    """Yield the number of a first picture, and it with those after it that are read together."""
    first, images, pixels = 0, [], 0
    ahead = read_ahead(pictures.__getitem__, range(len(pictures)), threads=_THREADS, depth=2 * _THREADS)
    for last, image in enumerate(ahead, 1):
        images.append(image)
        pixels += 0 if isinstance(image, UnreadableSample) else image.shape[0] * image.shape[1]
        full = pixels > _MOST_PIXELS or len(images) >= _BATCHES_AHEAD * batch_size
        if last == len(pictures) or (full and last % batch_size == 0):
            yield first, images
            first, images, pixels = last, [], 0
