"""The form in which every reader returns an annotated image.

Geometry is in pixels of the image as stored, x to the right and y down, with the centre of the top-left
pixel at (0, 0) as OpenCV has it. A quad is four corners in the reading order of its text: top-left,
top-right, bottom-right, bottom-left of the upright glyph or word, however it is rotated in the image.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class TextSample:
    """An RGB image and the text in it.

    Attributes:
        sample_id: stable name of the sample within its dataset, used in reports and results.
        image: uint8 [H, W, 3], RGB.
        words: transcription of each word, length W.
        word_quads: float32 [W, 4, 2].
        ignore: bool [W], True where a word is "don't care": neither text nor background in the loss,
            neither right nor wrong in an evaluation.
        char_quads: float32 [C, 4, 2], the characters of all words in reading order; empty for datasets
            without character boxes.
        char_words: int64 [C], the index into `words` that each character belongs to, non-decreasing. A word
            may have none.
        word_polygons: float32 [P, 2] for each word, its outline, clockwise from the start of its text; None if
            `word_quads` are the outlines. The quad of an outline of more than four points is the rectangle around it.
        word_confidence: float32 [W] in 0..1, the confidence of the characters of each word; None if the characters are
            ground truth.
    """

    sample_id: str
    image: np.ndarray
    words: list[str] = field(default_factory=list)
    word_quads: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2), np.float32))
    ignore: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    char_quads: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2), np.float32))
    char_words: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    word_polygons: list[np.ndarray] | None = None
    word_confidence: np.ndarray | None = None

    def transformed(self, image: np.ndarray, matrix: np.ndarray) -> TextSample:
        """Return the sample with another image and with all quads and outlines mapped by `matrix`.

        Args:
            image: the warped image, uint8 [H, W, 3].
            matrix: float [3, 3], the homography from this sample's pixels to those of `image`.
        """
        polygons = self.word_polygons
        return replace(
            self,
            image=image,
            word_quads=transform_points(self.word_quads, matrix),
            char_quads=transform_points(self.char_quads, matrix),
            word_polygons=None if polygons is None else [transform_points(polygon, matrix) for polygon in polygons],
        )


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map points, float [..., 2], by a homography, float [3, 3]; computed in float64, returned as float32 [..., 2]."""
    points = np.asarray(points, np.float64)
    mapped = points @ matrix[:2, :2].T + matrix[:2, 2]
    depth = points @ matrix[2, :2] + matrix[2, 2]
    return (mapped / depth[..., None]).astype(np.float32)
