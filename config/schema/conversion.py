"""Settings of a conversion: writing pictures of words in another form."""

from __future__ import annotations

from typing import Literal

from config.schema.base import Section, UnitFloat, UserPath
from config.schema.word_crops import TrainingWordCrops


class ConvertConfig(Section):
    """A conversion of pictures of words."""

    task: Literal["convert"] = "convert"
    datasets: list[TrainingWordCrops] = []
    """What is written; several datasets are joined."""
    to: Literal["lmdb", "labels_csv", "jsonl"] = "lmdb"
    """`lmdb`: a database with the keys of deep-text-recognition-benchmark. `labels_csv`: image files and `labels.csv`,
    as EasyOCR's trainer reads them. `jsonl`: image files and `labels.jsonl`."""
    output_dir: UserPath = "./datasets/converted"
    """Folder that is made. It appears when it is whole."""
    overwrite: bool = False
    """Replace what an earlier conversion made there."""
    max_dropped: UnitFloat = 0.01
    """Greatest share of the samples that may be left out because their picture cannot be read or their label cannot be
    written in this form; otherwise nothing is made."""
