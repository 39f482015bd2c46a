"""One picture of what a teacher made of some words: crop, characters, region score, and how far they are believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from config.errors import UserError
from data.heatmap.grid import MAP_TO_INPUT
from data.pseudo_label.labeler import Teacher
from data.pseudo_label.records import LABELLED, LabelSettings, WordKind
from data.pseudo_label.stored import PseudoLabels
from data.pseudo_label.words import cut_words, network_input
from data.reader import Reader, UnreadableSample
from data.sample import transform_points
from utils.draw.maps import Colour, draw_polygons, heat

SHORT_SIDE, LONG_SIDE = 96, 420
MARGIN, GAP, CAPTION, HEADER, WIDTH = 16, 3, 24, 72, 1680
BACKGROUND: Colour = (20, 21, 26)
INK: Colour = (235, 235, 240)
FAINT: Colour = (150, 152, 162)
KEPT: Colour = (52, 199, 89)
SPLIT: Colour = (255, 150, 40)
WORD: Colour = (120, 170, 255)
LEGEND = ((KEPT, "characters found"), (SPLIT, "split equally"), (WORD, "word"))


@dataclass(frozen=True)
class _Cell:
    picture: np.ndarray
    caption: str
    colour: Colour


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
        title: line at the top; the figures of the whole dataset follow it.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        UserError: no word was labelled.
    """
    cells: list[_Cell] = []
    for index, chosen in _spread(labels, limit):
        cells += _cells(reader, labels, index, chosen, settings, teacher)
    if not cells:
        raise UserError("no word of the dataset was labelled, so there is nothing to draw")
    return _lay_out(cells, title, labels.statistics().summary())


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
) -> list[_Cell]:
    try:
        sample = reader[index]
    except UnreadableSample:
        return []
    cut, own = cut_words(sample, settings), labels.of(index)
    cells = []
    for number, word in enumerate(cut.owners.tolist()):
        if word not in chosen:
            continue
        crop, kept = cut.crops[number], own.kind[word] == WordKind.KEPT
        colour = KEPT if kept else SPLIT
        height, width = crop.pixels.shape[:2]
        scale = min(SHORT_SIDE / min(height, width), LONG_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        sx, sy = size[0] / width, size[1] / height
        to_cell = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
        picture = cv2.resize(crop.pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        from_image = to_cell @ np.linalg.inv(crop.matrix)
        panels = [picture]
        if teacher is not None:
            region = teacher(network_input([crop], settings))[0, ..., 0].astype(np.float32)
            panels.append(heat(cv2.warpAffine(region, (to_cell @ MAP_TO_INPUT)[:2], size)))
        quads = own.char_quads[own.char_words == word]
        for panel in panels:
            draw_polygons(panel, [transform_points(sample.word_quads[word], from_image)], WORD, 1)
            draw_polygons(panel, list(transform_points(quads, from_image)), colour, 1)
        stacked = _joined(panels, along=1 if height > width else 0)
        found = f"{own.found[word]} of {cut.expected[number]}"
        cells.append(_Cell(stacked, f"{sample.words[word]}   {found}   {own.confidence[word]:.2f}", colour))
    return cells


def _joined(panels: list[np.ndarray], along: int) -> np.ndarray:
    shape = list(panels[0].shape)
    shape[along] = GAP
    bar = np.full(shape, BACKGROUND, np.uint8)
    return np.concatenate([part for panel in panels for part in (panel, bar)][:-1], axis=along)


def _lay_out(cells: list[_Cell], title: str, summary: str) -> np.ndarray:
    font = ImageFont.load_default(14)
    rows: list[list[tuple[_Cell, int]]] = [[]]
    used = MARGIN
    for cell in cells:
        width = max(cell.picture.shape[1], int(font.getlength(cell.caption)) + 1)
        if rows[-1] and used + width + MARGIN > WIDTH:
            rows.append([])
            used = MARGIN
        rows[-1].append((cell, used))
        used += width + MARGIN
    heights = [max(cell.picture.shape[0] for cell, _ in row) + CAPTION + MARGIN for row in rows]
    sheet = Image.new("RGB", (WIDTH, HEADER + sum(heights)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, 10), f"{title}: {summary}", INK, font)
    left = MARGIN
    for colour, name in LEGEND:
        draw.rounded_rectangle((left, 41, left + 12, 53), 3, colour)
        draw.text((left + 18, 38), name, FAINT, font)
        left += 18 + int(font.getlength(name)) + 18
    draw.text((left, 38), "below each word: text, characters found of those expected, confidence", FAINT, font)
    top = HEADER
    for row, height in zip(rows, heights, strict=True):
        for cell, place in row:
            sheet.paste(Image.fromarray(cell.picture), (place, top))
            draw.text((place, top + cell.picture.shape[0] + 5), cell.caption, cell.colour, font)
        top += height
    return np.array(sheet)
