"""Predicting with a detector, a recogniser or both: boxes, texts and confidences of the words in pictures.

Every step is the same as in evaluations: decoding of files, preprocessing, maps, boxes, cropping of words and decoding
of scores. So the predictions on a validation folder are those that the validation scored.
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
"""Number of batches whose word pictures are sorted by width together, as in an evaluation."""
_MOST_PIXELS = 2**27
"""Maximum number of pixels of the pictures in memory; only large photos given as text lines reach it."""
_THREADS = 2


@dataclass(frozen=True)
class Word:
    """A detected or read word or line.

    Attributes:
        points: float [P, 2], its outline in pixels of the image; None if the whole image is the word.
        text, confidence: the reading and its confidence as EasyOCR computes it; None if it was not read.
        score: the highest region score in it; None without a detector.
    """

    points: np.ndarray | None
    text: str | None
    confidence: float | None
    score: float | None

    def values(self) -> dict[str, Any]:
        """Return its JSON object, rounded as in the files of evaluations."""
        points = None if self.points is None else rounded(self.points)
        confidence = None if self.confidence is None else round(self.confidence, 4)
        return {"points": points, "text": self.text, "confidence": confidence,
                "score": None if self.score is None else round(self.score, 4)}  # fmt: skip


@dataclass(frozen=True)
class Prediction:
    """The prediction for an image.

    Attributes:
        file: name of the image, as it was given.
        image: uint8 [H, W, 3], RGB; None if it cannot be read.
        words: in reading order.
        error: why it cannot be read, or None.
    """

    file: str
    image: np.ndarray | None
    words: list[Word] = field(default_factory=list)
    error: str | None = None

    def values(self) -> dict[str, Any]:
        """Return its JSON object; only images that cannot be read have the key `error`."""
        height, width = (None, None) if self.image is None else self.image.shape[:2]
        found = {"file": self.file, "width": width, "height": height, "words": [word.values() for word in self.words]}
        return found if self.error is None else {**found, "error": self.error}


class Predictor:
    """Finds words, reads them, or both.

    Args:
        detector: finds the words; None treats every picture as one word or line.
        recognizer: reads the words; None does not read them.
    """

    def __init__(self, detector: Detecting | None, recognizer: BoxReading | None) -> None:
        if detector is None and recognizer is None:
            raise ValueError("a detector or a recogniser is needed")
        self._detector, self._recognizer = detector, recognizer

    def run(self, pictures: ImageFiles) -> Iterator[Prediction]:
        """Yield the prediction for each picture, in order; a picture that cannot be read has an `error`."""
        if self._detector is None:
            return self._read_pictures(pictures, self._recognizer)  # type: ignore[arg-type]
        return self._find_words(pictures, self._detector)

    def _find_words(self, pictures: ImageFiles, detector: Detecting) -> Iterator[Prediction]:
        """Yield predictions; the next picture is prepared in a thread meanwhile."""

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
        return [_word(readings[index], found.polygons[index], float(found.scores[index])) for index in order]

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
    """Yield groups of pictures that are read together, with the index of the first picture of each."""
    first, images, pixels = 0, [], 0
    ahead = read_ahead(pictures.__getitem__, range(len(pictures)), threads=_THREADS, depth=2 * _THREADS)
    for last, image in enumerate(ahead, 1):
        images.append(image)
        pixels += 0 if isinstance(image, UnreadableSample) else image.shape[0] * image.shape[1]
        full = pixels > _MOST_PIXELS or len(images) >= _BATCHES_AHEAD * batch_size
        if last == len(pictures) or (full and last % batch_size == 0):
            yield first, images
            first, images, pixels = last, [], 0
