"""One picture of what a teacher made of some words: crop, characters, region score, and how far they are believed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from config.errors import UserError
from data.heatmap.grid import MAP_TO_INPUT
from data.pseudo_label.labeler import Teacher
from data.pseudo_label.reader import PseudoLabels
from data.pseudo_label.records import LABELLED, LabelSettings, WordKind
from data.pseudo_label.words import cut_words, network_input
from data.reader import Reader, UnreadableSample
from data.sample import transform_points
from utils.draw.boxes import draw_polygons
from utils.draw.maps import heat
from utils.draw.palette import KEPT, LABELLED_WORD, SPLIT
from utils.draw.sheet import Cell, Header, beside, fitted, lay_out

SHORT_SIDE, LONG_SIDE, WIDTH = 96, 420, 1680
LEGEND = ((KEPT, "characters found"), (SPLIT, "split equally"), (LABELLED_WORD, "word"))
NOTE = "below each word: text, characters found of those expected, confidence"


def draw_label_sheet(
    reader: Reader,
    labels: PseudoLabels,
    settings: LabelSettings,
    teacher: Teacher | None,
    *,
    limit: int = 60,
    title: str = "pseudo-labels",
) -> np.ndarray:
    """Draw words spread evenly over a labelled dataset.

    Args:
        reader: the dataset that was labelled, without its pseudo-labels.
        labels: what was made of it.
        settings: those of the labels.
        teacher: the network that made them, for the region scores; None leaves these out.
        limit: greatest number of words.
        title: line at the top; the figures of the whole dataset stand below it.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        UserError: no word was labelled.
    """
    cells: list[Cell] = []
    for index, chosen in _spread(labels, limit):
        cells += _cells(reader, labels, index, chosen, settings, teacher)
    if not cells:
        raise UserError("no word of the dataset was labelled, so there is nothing to draw")
    return lay_out(cells, WIDTH, Header(title, LEGEND, (labels.statistics().summary(), NOTE)))


def _spread(labels: PseudoLabels, limit: int) -> list[tuple[int, list[int]]]:
    """Choose labelled words; returns (image, its chosen words) in order."""
    words = [
        (index, word)
        for index in range(len(labels))
        for word in np.flatnonzero(np.isin(labels.of(index).kind, LABELLED)).tolist()
    ]
    if not words:
        return []
    places = np.unique(np.linspace(0, len(words) - 1, min(limit, len(words))).round().astype(int))
    chosen: dict[int, list[int]] = {}
    for index, word in (words[place] for place in places):
        chosen.setdefault(index, []).append(word)
    return list(chosen.items())


def _cells(
    reader: Reader,
    labels: PseudoLabels,
    index: int,
    chosen: Sequence[int],
    settings: LabelSettings,
    teacher: Teacher | None,
) -> list[Cell]:
    try:
        sample = reader[index]
    except UnreadableSample:
        return []
    cut, found = cut_words(sample, settings), labels.of(index)
    cells = []
    for crop, word, expected in zip(cut.crops, cut.owners.tolist(), cut.expected, strict=True):
        if word not in chosen:
            continue
        upright = crop.pixels.shape[0] > crop.pixels.shape[1]
        size = (SHORT_SIDE, LONG_SIDE) if upright else (LONG_SIDE, SHORT_SIDE)
        picture, to_cell = fitted(crop.pixels, *size)
        panels = [picture]
        if teacher is not None:
            region = teacher(network_input([crop], settings))[0, ..., 0].astype(np.float32)
            panels.append(heat(cv2.warpAffine(region, (to_cell @ MAP_TO_INPUT)[:2], picture.shape[1::-1])))
        from_image = to_cell @ np.linalg.inv(crop.matrix)
        colour = KEPT if found.kind[word] == WordKind.KEPT else SPLIT
        for panel in panels:
            draw_polygons(panel, [transform_points(sample.word_quads[word], from_image)], LABELLED_WORD, 1)
            quads = transform_points(found.char_quads[found.char_words == word], from_image)
            draw_polygons(panel, list(quads), colour, 1)
        count = f"{found.found[word]} of {expected}"
        caption = f"{sample.words[word]}   {count}   {found.confidence[word]:.2f}"
        cells.append(Cell(beside(panels, gap=3, axis=1 if upright else 0), caption, colour))
    return cells
