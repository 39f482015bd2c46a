"""Settings of crops: pictures of single words or lines, what a recogniser learns from."""

from __future__ import annotations

from typing import Literal

from config.schema.base import PositiveInt, Section
from config.schema.generation.ranges import CountRange


class CropSettings(Section):
    """Pictures of words or lines, where `output` is `crops`."""

    format: Literal["lmdb", "folder"] = "lmdb"
    """`lmdb`: one database with the keys of deep-text-recognition-benchmark. `folder`: image files and `labels.csv`, as
    EasyOCR's trainer reads them."""
    height: PositiveInt = 32
    """Height of every picture, pixels; the width follows from the text."""
    words: CountRange = [1, 1]
    """Words of a picture, parted by single spaces: 1 makes word crops, more makes lines."""
