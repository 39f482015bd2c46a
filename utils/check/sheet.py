"""A picture of some samples: what the labels say, and what the network gets in training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from config.schema.detection import DetectionConfig
from data.augment.geometry import resize_matrix
from data.detection import DetectionTrainingSet
from data.heatmap.targets import draw_targets
from data.order import position_rng
from data.reader import UnreadableSample
from data.sample import TextSample
from utils.check.boxes import augmentation_of
from utils.check.sources import Source
from utils.draw.maps import IGNORED, WORD, Colour, beside, draw_polygons, heat, save_picture

SAMPLES = 16
CHARACTER: Colour = (255, 176, 32)

_HEIGHT, _WIDTH = 288, 512
_MARGIN, _CAPTION, _HEADER, _COLUMNS = 16, 24, 76, 2
_BACKGROUND, _INK, _FAINT = (20, 21, 26), (235, 235, 240), (150, 152, 162)
_LEGEND: tuple[tuple[Colour, str], ...] = (
    (WORD, "word"),
    (CHARACTER, "character"),
    (IGNORED, "don't care"),
)
_NOTE = (
    "beside training data: a random crop as the network gets it (dark: not learnt from), with its targets for region "
    "and affinity where characters are known"
)


def write_sheet(path: Path, sources: Sequence[Source], config: DetectionConfig, limit: int = SAMPLES) -> int:
    """Draw up to `limit` samples, spread over all datasets and over each of them.

    Args:
        path: of the picture, .png or .jpg.
        sources: the datasets.
        config: the whole job.
        limit: number of samples.

    Returns:
        The number of samples drawn; unreadable ones are passed over.
    """
    cells: list[tuple[np.ndarray, str]] = []
    for number, source in enumerate(sources):
        wanted = limit * (number + 1) // len(sources) - limit * number // len(sources)
        for index in _spread(len(source.reader), max(1, wanted)):
            try:
                sample = source.reader[index]
            except UnreadableSample:
                continue
            cells.append((_cell(source, sample, config, index), f"{source.name}   {sample.sample_id}"))
    if cells:
        save_picture(path, _lay_out(cells, f"{config.name}: {len(cells)} samples"))
    return len(cells)


def annotated(sample: TextSample, height: int, width: int) -> np.ndarray:
    """Return the whole image shrunk into `height` x `width` with every box drawn, uint8 [<= height, <= width, 3]."""
    full_height, full_width = sample.image.shape[:2]
    scale = min(width / full_width, height / full_height)
    size = (max(1, round(full_width * scale)), max(1, round(full_height * scale)))
    small = cv2.resize(sample.image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    shrink = resize_matrix(size[0] / full_width, size[1] / full_height)
    _draw_boxes(small, sample.transformed(small, shrink))
    return small


def training_view(sample: TextSample, source: Source, config: DetectionConfig, position: int) -> list[np.ndarray]:
    """Return a random crop and, where characters are known, its region and affinity targets, uint8 [h, h, 3] each.

    Without characters there are no targets before a teacher has found some; the words are drawn into the crop then.
    """
    settings = config.train.data.model_copy(update={"augment": augmentation_of(source, config)})
    samples = DetectionTrainingSet(source.reader, settings, config.seed)
    crop = samples.augment(sample, position_rng(config.seed, position))
    targets = draw_targets(crop, settings)
    image = cv2.resize(crop.image, (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_AREA)
    if not len(sample.char_quads):
        _draw_boxes(image, crop.transformed(image, resize_matrix(*2 * [_HEIGHT / settings.output_size])))
        return [image]
    known = cv2.resize(targets.mask, (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_NEAREST)[..., None]
    image = (image * (0.35 + 0.65 * known)).astype(np.uint8)
    maps = (cv2.resize(one, (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_AREA) for one in targets[:2])
    return [image, *map(heat, maps)]


def _draw_boxes(image: np.ndarray, sample: TextSample) -> None:
    """Draw the boxes of a sample into its image, characters first."""
    outlines = sample.word_polygons if sample.word_polygons is not None else list(sample.word_quads)
    draw_polygons(image, list(sample.char_quads[~sample.ignore[sample.char_words]]), CHARACTER, 1)
    for colour, wanted in ((IGNORED, True), (WORD, False)):
        chosen = [one for one, ignored in zip(outlines, sample.ignore, strict=True) if bool(ignored) is wanted]
        draw_polygons(image, chosen, colour, 1)


def _cell(source: Source, sample: TextSample, config: DetectionConfig, index: int) -> np.ndarray:
    picture = np.full((_HEIGHT, _WIDTH, 3), _BACKGROUND, np.uint8)
    small = annotated(sample, _HEIGHT, _WIDTH)
    top, left = (_HEIGHT - small.shape[0]) // 2, (_WIDTH - small.shape[1]) // 2
    picture[top : top + small.shape[0], left : left + small.shape[1]] = small
    return beside([picture, *training_view(sample, source, config, index)], gap=4) if source.is_training else picture


def _spread(total: int, count: int) -> list[int]:
    """Return the middles of `count` equal parts of a dataset: its very first image is seldom typical."""
    count = min(count, total)
    return [(2 * number + 1) * total // (2 * count) for number in range(count)]


def _lay_out(cells: list[tuple[np.ndarray, str]], title: str) -> np.ndarray:
    """Put the cells into rows, wide ones two to a row, and write a title and a legend above them."""
    limit = _COLUMNS * (max(cell.shape[1] for cell, _ in cells) + _MARGIN)
    rows: list[list[tuple[np.ndarray, str]]] = [[]]
    for cell in cells:
        used = sum(one.shape[1] + _MARGIN for one, _ in rows[-1])
        if rows[-1] and used + cell[0].shape[1] + _MARGIN > limit:
            rows.append([])
        rows[-1].append(cell)
    sheet = Image.new("RGB", (limit + _MARGIN, _HEADER + len(rows) * (_HEIGHT + _CAPTION + _MARGIN)), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    _write_header(draw, title)
    for number, row in enumerate(rows):
        left, top = _MARGIN, _HEADER + number * (_HEIGHT + _CAPTION + _MARGIN)
        for cell, caption in row:
            sheet.paste(Image.fromarray(cell), (left, top))
            draw.text((left, top + _HEIGHT + 5), _fitted(draw, caption, cell.shape[1]), _FAINT, _font(14))
            left += cell.shape[1] + _MARGIN
    return np.array(sheet)


def _write_header(draw: ImageDraw.ImageDraw, title: str) -> None:
    draw.text((_MARGIN, 12), title, _INK, _font(20))
    left, font = _MARGIN, _font(14)
    for colour, name in _LEGEND:
        draw.rounded_rectangle((left, 46, left + 13, 59), 3, colour)
        draw.text((left + 20, 44), name, _FAINT, font)
        left += 20 + int(draw.textlength(name, font)) + 18
    draw.text((left, 44), _NOTE, _FAINT, font)


def _fitted(draw: ImageDraw.ImageDraw, text: str, width: int) -> str:
    """Shorten a caption from the left, where the least telling part of a path stands, until it fits."""
    while len(text) > 8 and draw.textlength(text, _font(14)) > width:
        text = f"...{text[6:]}"
    return text


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
