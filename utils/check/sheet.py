"""A picture of some samples with their labels and the resulting network inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from config.schema.detection import DetectionConfig
from data.augment.geometry import resize_matrix
from data.detection import DetectionTrainingSet
from data.heatmap.targets import draw_targets
from data.order import position_rng
from data.reader import UnreadableSample
from data.sample import TextSample
from utils.check.boxes import augmentation_of
from utils.check.sources import Source
from utils.draw.boxes import draw_polygons
from utils.draw.maps import heat
from utils.draw.palette import CHARACTER, IGNORED, WORD
from utils.draw.picture_file import save_picture
from utils.draw.readings import draw_readings
from utils.draw.sheet import Cell, Header, beside, centred, fitted, lay_out
from utils.engine.task import Task

SAMPLES = 16

_HEIGHT, _WIDTH, _GAP, _COLUMNS = 288, 512, 16, 2
_LEGEND = ((WORD, "word"), (CHARACTER, "character"), (IGNORED, "don't care"))
_NOTE = (
    "right of training images: a random crop as the network gets it (dark: masked in the loss), and its targets for "
    "region and affinity if characters are known"
)


def write_sheet(path: Path, sources: Sequence[Source], config: DetectionConfig, limit: int = SAMPLES) -> int:
    """Draw up to `limit` samples, spread over all datasets and over each of them.

    Args:
        path: path of the picture, .png or .jpg.
        sources: the datasets.
        config: the whole job.
        limit: number of samples.

    Returns:
        The number of samples drawn; unreadable ones are skipped.
    """
    cells: list[Cell] = []
    for part, source in enumerate(sources):
        wanted = limit * (part + 1) // len(sources) - limit * part // len(sources)
        for index in _spread(len(source.reader), max(1, wanted)):
            try:
                sample = source.reader[index]
            except UnreadableSample:
                continue
            cells.append(Cell(_picture(source, sample, config, index), f"{source.name}   {sample.sample_id}"))
    if cells:
        width = _COLUMNS * (max(cell.picture.shape[1] for cell in cells) + _GAP) + _GAP
        header = Header(f"{config.name}: {len(cells)} samples", _LEGEND, (_NOTE,))
        save_picture(path, lay_out(cells, width, header, _GAP))
    return len(cells)


def annotated(sample: TextSample, height: int, width: int) -> np.ndarray:
    """Return the whole image shrunk into `height` x `width` with every box drawn, uint8 [<= height, <= width, 3]."""
    small, to_small = fitted(sample.image, width, height)
    _draw_boxes(small, sample.transformed(small, to_small))
    return small


def training_view(sample: TextSample, source: Source, config: DetectionConfig, position: int) -> list[np.ndarray]:
    """Return a random crop and, if characters are known, its region and affinity targets, uint8 [h, h, 3] each.

    Without character boxes there are no targets yet; then the words are drawn into the crop.
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
    maps = (cv2.resize(target, (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_AREA) for target in targets[:2])
    return [image, *map(heat, maps)]


def _draw_boxes(image: np.ndarray, sample: TextSample) -> None:
    """Draw the boxes of a sample into its image, characters first."""
    outlines = sample.word_polygons if sample.word_polygons is not None else list(sample.word_quads)
    draw_polygons(image, list(sample.char_quads[~sample.ignore[sample.char_words]]), CHARACTER, 1)
    for colour, wanted in ((IGNORED, True), (WORD, False)):
        chosen = [outline for outline, ignored in zip(outlines, sample.ignore, strict=True) if bool(ignored) is wanted]
        draw_polygons(image, chosen, colour, 1)


def _picture(source: Source, sample: TextSample, config: DetectionConfig, index: int) -> np.ndarray:
    picture = centred(annotated(sample, _HEIGHT, _WIDTH), _WIDTH, _HEIGHT)
    return beside([picture, *training_view(sample, source, config, index)], gap=4) if source.is_training else picture


def _spread(total: int, count: int) -> list[int]:
    """Return the middles of `count` equal parts of a dataset, because its first image is seldom typical."""
    count = min(count, total)
    return [(2 * part + 1) * total // (2 * count) for part in range(count)]


DRAWN = 64


def write_word_sheet(path: Path, task: Task) -> int:
    """Draw samples of the run as the network gets them, and return their number.

    They come from batches spread over a window of the run, so that they include narrow and wide pictures.
    """
    window = task.window or DRAWN
    size = task.samples_per_step
    positions = [place * window // DRAWN * size + place % size for place in range(DRAWN)]
    samples = [task.dataset[position] for position in dict.fromkeys(positions)]
    samples.sort(key=lambda sample: sample["image"].shape[1])
    texts = [sample["text"] for sample in samples]
    save_picture(path, draw_readings([sample["image"] for sample in samples], [None] * len(texts), texts))
    return len(samples)
