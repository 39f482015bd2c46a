"""A look at what a generation recipe makes, before anything is made: scenes or crops on one sheet."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import cv2
import numpy as np

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.progress import progress_bar
from data.sample import TextSample, transform_points
from data.synth.crop.draw import draw_crop, encode_crop
from data.synth.resources import Resources
from data.synth.scene import render_scene
from utils.draw.maps import WORD, Colour, draw_polygons, save_picture

log = logging.getLogger(__name__)

SCENES, CROPS = 64, 200
"""Items of a sheet where no number is asked for."""
CELL, COLUMNS = 256, 8
ROW_WIDTH, GAP = 2048, 6
MOST = 2000
CHARACTER: Colour = (255, 176, 32)
_BACKGROUND = (20, 21, 26)


def write_preview(config: GenerateConfig, target: str, count: int | None = None) -> None:
    """Draw the first items of the largest split onto one sheet.

    Scenes come eight in a row; words (green) and characters (orange) are outlined on every second one, so that each
    look can be judged with and without. Crops come at their own height, as many as fit in a row.

    Args:
        config: the recipe.
        target: path of the picture, .png or .jpg.
        count: number of items; None takes 64 scenes or 200 crops.

    Raises:
        UserError: the path is none of a picture, or cannot be written.
    """
    path = Path(target)
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UserError(f"--preview {target}: name a .png or .jpg file")
    if count is not None and not 1 <= count <= MOST:
        raise UserError(f"--count {count}: give a number from 1 to {MOST}")
    _check_place(path)
    resources = Resources.load(config)
    split = max(config.splits, key=lambda name: config.splits[name])
    crops = config.output == "crops"
    total = count or (CROPS if crops else SCENES)

    def scene(index: int) -> np.ndarray:
        return scene_cell(render_scene(config, resources, split, index), with_boxes=index % 2 == 1)

    def crop(index: int) -> np.ndarray:
        data = np.frombuffer(encode_crop(draw_crop(config, resources, split, index)), np.uint8)
        return cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)

    drawn = map(crop if crops else scene, range(total))
    items = list(progress_bar(drawn, total, "preview", unit=config.output[:-1]))
    try:
        save_picture(path, pack_rows(items, ROW_WIDTH) if crops else grid(items, COLUMNS))
    except OSError as fault:
        raise UserError(f"--preview {target}: cannot be written ({fault.strerror or fault})") from fault
    log.info("%d %s: %s", total, config.output if total > 1 else config.output[:-1], path)


def _check_place(path: Path) -> None:
    """Say now, and not after a minute of drawing, that nothing can be written there."""
    home = next(folder for folder in path.absolute().parents if folder.exists())
    if path.is_dir() or not home.is_dir() or not os.access(home, os.W_OK):
        raise UserError(f"--preview {path}: cannot be written there; name a file in a folder of yours")


def scene_cell(sample: TextSample, *, with_boxes: bool) -> np.ndarray:
    """Return a scene shrunk into a square cell, uint8 [CELL, CELL, 3]."""
    height, width = sample.image.shape[:2]
    scale = CELL / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA)
    if with_boxes:
        sx, sy = size[0] / width, size[1] / height
        to_small = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
        draw_polygons(small, list(transform_points(sample.char_quads, to_small)), CHARACTER, 1)
        draw_polygons(small, list(transform_points(sample.word_quads, to_small)), WORD, 1)
    cell = np.full((CELL, CELL, 3), _BACKGROUND, np.uint8)
    top, left = (CELL - size[1]) // 2, (CELL - size[0]) // 2
    cell[top : top + size[1], left : left + size[0]] = small
    return cell


def grid(cells: list[np.ndarray], columns: int) -> np.ndarray:
    """Lay cells of one size out in rows of `columns`, parted by a gap."""
    height, width = cells[0].shape[:2]
    columns = min(columns, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * (height + GAP) + GAP, columns * (width + GAP) + GAP, 3), _BACKGROUND, np.uint8)
    for index, cell in enumerate(cells):
        top, left = GAP + index // columns * (height + GAP), GAP + index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def pack_rows(pictures: list[np.ndarray], width: int) -> np.ndarray:
    """Lay pictures out in reading order, a new row where the next one does not fit; wider ones than a row are cut."""
    rows: list[list[np.ndarray]] = [[]]
    used = GAP
    for picture in pictures:
        picture = picture[:, : width - 2 * GAP]
        if rows[-1] and used + picture.shape[1] + GAP > width:
            rows.append([])
            used = GAP
        rows[-1].append(picture)
        used += picture.shape[1] + GAP
    heights = [max(picture.shape[0] for picture in row) for row in rows]
    sheet = np.full((sum(heights) + GAP * (len(rows) + 1), width, 3), _BACKGROUND, np.uint8)
    top = GAP
    for row, height in zip(rows, heights, strict=True):
        left = GAP
        for picture in row:
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1] + GAP
        top += height + GAP
    return sheet
