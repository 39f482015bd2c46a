"""One picture of a few evaluated images: what was found, what was missed, and the score map beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from data.sample import transform_points
from utils.draw.boxes import draw_detections
from utils.draw.maps import overlay_heat
from utils.draw.palette import FOUND, IGNORED, WORD, WRONG
from utils.draw.sheet import Cell, Header, beside, fitted, lay_out

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
    """Return detections and score map side by side, both scaled to the cell before anything is drawn."""
    small, to_small = fitted(outcome.sample.image, HALF_WIDTH, HEIGHT)
    picture = draw_detections(
        small,
        [transform_points(quad, to_small) for quad in outcome.sample.word_quads],
        outcome.sample.ignore,
        [transform_points(polygon, to_small) for polygon in outcome.detections.polygons],
        [detection for _, detection in outcome.record.pairs],
        outcome.record.ignored,
    )
    over = overlay_heat(small, outcome.region, outcome.matrix @ np.linalg.inv(to_small))
    return beside([picture, over], gap=GAP)


def _caption(outcome: ImageOutcome) -> str:
    counts = outcome.record.counts
    wrong = counts.det_care - counts.matched
    return f"{outcome.sample.sample_id}   found {counts.matched} of {counts.gt_care} words, {wrong} wrong"
