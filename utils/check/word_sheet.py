"""A sheet of training pictures as the network gets them, with their labels."""

from __future__ import annotations

from pathlib import Path

from utils.draw.picture_file import save_picture
from utils.draw.readings import draw_readings
from utils.engine.task import Task

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
