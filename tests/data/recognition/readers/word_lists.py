"""Five pictures, and label files of two forms for them."""

from __future__ import annotations

from pathlib import Path

from word_files import assert_consistent, names, texts

from config.schema.word_crops import GtTxtWords, LabelsCsvWords
from data.recognition.readers import open_words

FIVE = ["a.jpg", "b.png", "c.PNG", "d.bmp", "e.webp"]


def gt(root: Path, content: str | bytes, **options) -> list[tuple[str, str]]:
    """Write a gt.txt and return names and labels as they are read from it."""
    (root / "gt.txt").write_bytes(content.encode() if isinstance(content, str) else content)
    reader = open_words(GtTxtWords(root=str(root), **options))
    assert_consistent(reader)
    return list(zip(names(reader), texts(reader), strict=True))


def csv_words(root: Path, content: str | bytes, **options) -> list[str]:
    """Write a labels.csv and return the labels as they are read from it."""
    (root / "labels.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return texts(open_words(LabelsCsvWords(root=str(root), **options)))
