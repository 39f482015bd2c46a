"""The two steps of a prediction, the same as in an evaluation: finding the words of an image, and reading them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from config.schema.detection import DetectionTest
from data.preprocess import FittedImage, Preprocess
from data.pseudo_label.crops import is_vertical, word_faults
from data.recognition.cutting import Vertical, cut_out
from model.detector import Detector
from model.head import Reading
from utils.decode import Detections
from utils.device import Amp
from utils.evaluate.detector import eval_mode, predict_maps, words_of_maps
from utils.evaluate.recognizer import WordReading

_MANY = 99
"""Assumed length of a word that has not been read: a high box may hold vertical text of any length."""


@dataclass(frozen=True)
class Detecting:
    """A detector with everything that an evaluation of it needs.

    Attributes:
        model: the network, on `device`.
        preprocess: the preprocessing that it was trained with.
        settings: thresholds and sizes; the dataset in it is ignored.
        device, amp: where it runs, and the precision there.
        upright: whether its validation rotated photos by their EXIF orientation.
    """

    model: Detector
    preprocess: Preprocess
    settings: DetectionTest
    device: torch.device
    amp: Amp
    upright: bool = False

    def fit(self, image: np.ndarray) -> FittedImage:
        """Return an image, uint8 [H, W, 3] RGB, as an input of the network."""
        return self.preprocess.fit(image, self.settings.canvas_size, self.settings.mag_ratio)

    def find(self, fitted: FittedImage) -> Detections:
        """Return the words of an image, in its pixels."""
        with eval_mode(self.model):
            region, affinity = predict_maps(self.model, fitted, self.device, self.amp)
        return words_of_maps(region, affinity, fitted.matrix, self.settings)


@dataclass(frozen=True)
class BoxReading:
    """A recogniser, and how words are cropped for it.

    Attributes:
        words: reads pictures of words.
        batch_size: pictures per batch.
        vertical, margin: settings of the crops it was trained on, see `config.schema.word_crops.CutWords`.
    """

    words: WordReading
    batch_size: int = 64
    vertical: Vertical = "turn"
    margin: float = 0.0

    def read(self, image: np.ndarray, boxes: np.ndarray) -> list[Reading | None]:
        """Read the words in boxes.

        The direction of the text in a high, narrow box is not known before it is read. Such a box is also read
        downwards and upwards, and the reading with the highest confidence counts. A rotated reading must have two or
        more characters, because single characters are upright in training, too.

        Args:
            image: uint8 [H, W, 3], RGB.
            boxes: float [N, 4, 2], in pixels of the image.

        Returns:
            N readings; None for a box without area or outside the image.
        """
        crops: list[np.ndarray] = []
        owners: list[int] = []
        for index, (box, fault) in enumerate(zip(boxes, word_faults(boxes, *image.shape[:2]), strict=True)):
            cut = [] if fault else self.crops(image, box)
            crops += cut
            owners += [index] * len(cut)
        best: list[Reading | None] = [None] * len(boxes)
        if not crops:
            return best
        for owner, reading in zip(owners, self.words.pictures(crops, self.batch_size), strict=True):
            previous = best[owner]
            if previous is None or (len(reading.text) > 1 and reading.confidence > previous.confidence):
                best[owner] = reading
        return best

    def crops(self, image: np.ndarray, box: np.ndarray) -> list[np.ndarray]:
        """Cut a word out, and if its box is high, also turned to the left and to the right.

        Args:
            image: uint8 [H, W, 3], RGB.
            box: float [4, 2], in pixels of the image, clockwise from the corner where the text starts.

        Returns:
            One or three pictures, uint8 [h, w, 3], the upright one first.
        """
        upright = cut_out(image, box, margin=self.margin)
        if self.vertical == "keep" or not is_vertical(box, _MANY):
            return [upright]
        left = cut_out(image, box, vertical=True, margin=self.margin)
        return [upright, left, cut_out(image, np.roll(box, 1, axis=0), margin=self.margin)]
