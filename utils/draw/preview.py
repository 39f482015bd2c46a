"""A look at what a generation recipe makes, before anything is made: scenes or crops on one sheet."""

from __future__ import annotations

import logging

import cv2
import numpy as np

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.io.progress import progress_bar
from data.sample import TextSample, transform_points
from data.synth.crop.draw import draw_crop, encode_crop
from data.synth.resources import Resources
from data.synth.scene import render_scene
from utils.draw.boxes import draw_polygons
from utils.draw.palette import CHARACTER, WORD
from utils.draw.picture_file import picture_path, save_picture
from utils.draw.sheet import Cell, centred, fitted, lay_out

log = logging.getLogger(__name__)

SCENES, CROPS = 64, 200
"""Items of a sheet where no count is asked for."""
SIDE, COLUMNS, GAP = 256, 8, 6
WIDTH = COLUMNS * (SIDE + GAP) + GAP
MOST = 2000


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
    path = picture_path("--preview", target)
    if count is not None and not 1 <= count <= MOST:
        raise UserError(f"--count {count}: give a number from 1 to {MOST}")
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
    save_picture(path, lay_out([Cell(item) for item in items], WIDTH, gap=GAP))
    log.info("%d %s: %s", total, config.output if total > 1 else config.output[:-1], path)


def scene_cell(sample: TextSample, *, with_boxes: bool) -> np.ndarray:
    """Return a scene shrunk into a square cell, uint8 [SIDE, SIDE, 3]."""
    small, to_small = fitted(sample.image, SIDE, SIDE)
    if with_boxes:
        draw_polygons(small, list(transform_points(sample.char_quads, to_small)), CHARACTER, 1)
        draw_polygons(small, list(transform_points(sample.word_quads, to_small)), WORD, 1)
    return centred(small, SIDE, SIDE)
