"""Pictures of evaluated images: what was found, what was missed, and the score map beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from data.sample import transform_points
from utils.draw.boxes import draw_detections
from utils.draw.maps import overlay_heat
from utils.draw.palette import FOUND, IGNORED, WORD, WRONG
from utils.draw.picture_file import save_picture
from utils.draw.sheet import Cell, Header, beside, fitted, lay_out
from utils.evaluate.job import safe_name

if TYPE_CHECKING:
    from utils.evaluate.detector import ImageOutcome

HALF_WIDTH, HEIGHT, GAP, MARGIN = 480, 360, 4, 16
WIDTH = 2 * (2 * HALF_WIDTH + GAP + MARGIN) + MARGIN
"""Of the sheet, pixels: two cells of landscape images fill a row."""
LEGEND = ((FOUND, "right"), (WRONG, "wrong"), (WORD, "word"), (IGNORED, "not counted"))
NOTE = "right half: region score"


class ContactSheet:
    """Collects up to `limit` images, spread evenly over a dataset, and lays them out.

    Args:
        total: number of images that will be offered.
        limit: number of images on the sheet.
    """

    def __init__(self, total: int, limit: int = 8) -> None:
        self._wanted = set(np.linspace(0, total - 1, min(limit, total)).round().astype(int).tolist())
        self._offered = 0
        self._cells: list[Cell] = []

    def add(self, outcome: ImageOutcome) -> None:
        """Offer the next image of the dataset."""
        if self._offered in self._wanted:
            self._cells.append(Cell(_picture(outcome), _caption(outcome)))
        self._offered += 1

    def render(self, title: str) -> np.ndarray:
        """Return the sheet, uint8 [H, W, 3].

        Args:
            title: line at the top, such as the dataset's name and score.
        """
        return lay_out(self._cells, WIDTH, Header(title, LEGEND, (NOTE,)), MARGIN)


def _picture(outcome: ImageOutcome) -> np.ndarray:
    """Return an image with its detections, and its score map, scaled to the cell before anything is drawn."""
    small, to_small = fitted(outcome.sample.image, HALF_WIDTH, HEIGHT)
    return draw_outcome(outcome, small, to_small, GAP)


def save_drawing(folder: Path, outcome: ImageOutcome) -> None:
    """Draw one image at full size, its detections on the left and its region map on the right."""
    picture = draw_outcome(outcome, outcome.sample.image, np.eye(3))
    save_picture(folder / f"{safe_name(outcome.sample.sample_id)}.jpg", picture)


def draw_outcome(outcome: ImageOutcome, image: np.ndarray, to_image: np.ndarray, gap: int = 8) -> np.ndarray:
    """Return detections and region score of an image side by side, uint8 [H, 2 W + gap, 3].

    Args:
        outcome: of the image.
        image: the image, resized or not, uint8 [H, W, 3].
        to_image: [3, 3], from the pixels of the outcome's image to those of `image`.
        gap: between the two, pixels.
    """
    picture = draw_detections(
        image,
        [transform_points(quad, to_image) for quad in outcome.sample.word_quads],
        outcome.sample.ignore,
        [transform_points(polygon, to_image) for polygon in outcome.detections.polygons],
        [detection for _, detection in outcome.record.pairs],
        outcome.record.ignored,
    )
    over = overlay_heat(image, outcome.region, outcome.matrix @ np.linalg.inv(to_image))
    return beside([picture, over], gap)


def _caption(outcome: ImageOutcome) -> str:
    counts = outcome.record.counts
    wrong = counts.det_care - counts.matched
    return f"{outcome.sample.sample_id}   found {counts.matched} of {counts.gt_care} words, {wrong} wrong"
