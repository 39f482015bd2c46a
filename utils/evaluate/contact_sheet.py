"""One picture of a few evaluated images: what was found, what was missed, and the score map beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from data.sample import transform_points
from utils.draw import maps as visualize
from utils.draw.maps import IGNORED, RIGHT, WORD, WRONG, Colour

if TYPE_CHECKING:
    from utils.evaluate.detector import ImageOutcome

CELL_WIDTH, MAX_CELL_HEIGHT = 480, 360
MARGIN, CAPTION, HEADER, GAP = 20, 30, 84, 4
BACKGROUND: Colour = (20, 21, 26)
INK: Colour = (235, 235, 240)
FAINT: Colour = (150, 152, 162)
LEGEND = ((RIGHT, "right"), (WRONG, "wrong"), (WORD, "word"), (IGNORED, "not counted"))
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
        self._cells: list[tuple[np.ndarray, str]] = []

    def add(self, outcome: ImageOutcome) -> None:
        """Offer the next image of the dataset."""
        if self._offered in self._wanted:
            self._cells.append((_cell(outcome), _caption(outcome)))
        self._offered += 1

    def render(self, title: str) -> np.ndarray:
        """Return the sheet, uint8 [H, W, 3].

        Args:
            title: line at the top, such as the dataset's name and score.
        """
        rows = _rows([max(cell.shape[1], int(_font(15).getlength(caption))) for cell, caption in self._cells])
        width = max(sum(extent + MARGIN for _, extent in row) for row in rows) + MARGIN
        heights = [max(self._cells[index][0].shape[0] for index, _ in row) + CAPTION + MARGIN for row in rows]
        sheet = Image.new("RGB", (width, HEADER + sum(heights)), BACKGROUND)
        draw = ImageDraw.Draw(sheet)
        _header(draw, title)
        top = HEADER
        for row, height in zip(rows, heights, strict=True):
            left = MARGIN
            for index, extent in row:
                cell, caption = self._cells[index]
                sheet.paste(Image.fromarray(cell), (left, top))
                draw.text((left, top + cell.shape[0] + 7), caption, FAINT, _font(15))
                left += extent + MARGIN
            top += height
        return np.array(sheet)


def _rows(extents: list[int]) -> list[list[tuple[int, int]]]:
    """Break cells of these widths into rows of at most two full-width ones; returns (index, width) by row."""
    limit = 2 * (2 * CELL_WIDTH + GAP + MARGIN)
    rows: list[list[tuple[int, int]]] = [[]]
    used = 0
    for index, extent in enumerate(extents):
        if rows[-1] and used + extent + MARGIN > limit:
            rows.append([])
            used = 0
        rows[-1].append((index, extent))
        used += extent + MARGIN
    return rows


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _header(draw: ImageDraw.ImageDraw, title: str) -> None:
    """Write the title and, below it, the legend."""
    draw.text((MARGIN, 14), title, INK, _font(20))
    left, font = MARGIN, _font(15)
    for colour, name in LEGEND:
        draw.rounded_rectangle((left, 49, left + 14, 63), 3, colour)
        draw.text((left + 21, 48), name, FAINT, font)
        left += 21 + int(draw.textlength(name, font)) + 20
    draw.text((left, 48), NOTE, FAINT, font)


def _cell(outcome: ImageOutcome) -> np.ndarray:
    """Return detections and score map side by side, both scaled to the cell before anything is drawn."""
    image = outcome.sample.image
    height, width = image.shape[:2]
    scale = min(CELL_WIDTH / width, MAX_CELL_HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    sx, sy = size[0] / width, size[1] / height
    to_small = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    picture = visualize.draw_detections(
        small,
        [transform_points(quad, to_small) for quad in outcome.sample.word_quads],
        outcome.sample.ignore,
        [transform_points(polygon, to_small) for polygon in outcome.detections.polygons],
        [detection for _, detection in outcome.record.pairs],
        outcome.record.ignored,
    )
    over = visualize.overlay_heat(small, outcome.region, outcome.matrix @ np.linalg.inv(to_small))
    return visualize.beside([picture, over], gap=GAP)


def _caption(outcome: ImageOutcome) -> str:
    counts = outcome.record.counts
    wrong = counts.det_care - counts.matched
    return f"{outcome.sample.sample_id}   found {counts.matched} of {counts.gt_care} words, {wrong} wrong"
