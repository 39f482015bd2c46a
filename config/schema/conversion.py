"""Settings of a conversion: writing pictures of words in another form."""

from __future__ import annotations

from typing import Literal

from config.schema.base import Section, UnitFloat, UserPath
from config.schema.word_crops import TrainingWordCrops


class ConvertConfig(Section):
    """A conversion of pictures of words."""

    task: Literal["convert"] = "convert"
    datasets: list[TrainingWordCrops] = []
    """Datasets to convert; several are joined."""
    to: Literal["lmdb", "labels_csv", "jsonl"] = "lmdb"
    """`lmdb`: a database with the keys of deep-text-recognition-benchmark. `labels_csv`: image files and `labels.csv`,
    as EasyOCR's trainer reads them. `jsonl`: image files and `labels.jsonl`."""
    output_dir: UserPath = "./datasets/converted"
    """Folder of the result. It exists only once the conversion is complete."""
    overwrite: bool = False
    """Replace the result of an earlier conversion."""
    max_dropped: UnitFloat = 0.01
    """Maximum share of samples that are left out because their picture cannot be read or their label cannot be written
    in this form; with a higher share, nothing is written."""
