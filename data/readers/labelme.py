"""labelme: a JSON file for each image with a list of shapes (also written by X-AnyLabeling).

`{"shapes": [{"label", "points": [[x, y], ...], "shape_type", "description", "flags"}, ...], "imageHeight",
"imageWidth"}`. A `rectangle` has two opposite corners, or all four; a `polygon` has three points or more; a `rotation`
(X-AnyLabeling), `oriented_rectangle` (labelme) or `quadrilateral` has four. Other shapes are not boxes.
`"difficult": true`, in the shape or among its flags, marks "don't care".
"""

from __future__ import annotations

import json
import logging
from typing import Any

from config.schema.word_datasets import LabelmeDataset
from data.readers.label_files import LabelFileError, flat_points, integer, open_label_files
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

logger = logging.getLogger(__name__)

_FOUR = ("rotation", "oriented_rectangle", "quadrilateral")


def open_labelme(config: LabelmeDataset) -> WordReader:
    """Open a folder of labelme; see `label_files.open_label_files`."""
    parser = _Parser(config.text_from)
    reader = open_label_files(config, parser, "shape")
    if len(parser.labels) == 1 and parser.words > 1 and parser.described:
        logger.warning(
            "%s: every shape has the label %r, and %d have a description; "
            "if that is the text, set the dataset's `text_from: description`",
            config.root, next(iter(parser.labels)), parser.described,
        )  # fmt: skip
    return reader


class _Parser:
    """A `label_files.FileParser` that also records whether the labels look like texts."""

    def __init__(self, text_from: str) -> None:
        self._text_from = text_from
        self.labels: set[str] = set()
        self.words = self.described = 0

    def __call__(self, data: bytes, name: str, words: WordBuilder) -> tuple[int, tuple[int, int]]:
        if not data.strip():
            return 0, (0, 0)
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as fault:
            raise LabelFileError(f"is not JSON ({type(fault).__name__})") from None
        shapes = content.get("shapes") if isinstance(content, dict) else None
        if not isinstance(shapes, list):
            raise LabelFileError("has no list `shapes`, as labelme writes it")
        for position, shape in enumerate(shapes, 1):
            self._shape(shape, name, position, words)
        return len(shapes), (integer(content.get("imageHeight")), integer(content.get("imageWidth")))

    def _shape(self, shape: Any, name: str, position: int, words: WordBuilder) -> None:
        if not isinstance(shape, dict):
            words.drop("shape is not a mapping", name, position)
            return
        points = flat_points(shape.get("points"))
        if points is None:
            words.drop("points are not pairs of numbers", name, position)
            return
        kind = shape.get("shape_type") or "polygon"
        if kind == "rectangle" and len(points) == 4:
            (left, right), (top, bottom) = sorted(points[::2]), sorted(points[1::2])
            points = [left, top, right, top, right, bottom, left, bottom]
        elif kind not in ("polygon", "rectangle", *_FOUR):
            words.drop("shape is no box and no polygon", name, position, repr(kind), parsed=True)
            return
        elif kind != "polygon" and len(points) != 8:
            words.drop("shape has not as many points as its type", name, position, f"{len(points) // 2} for {kind!r}")
            return
        label, description = (_text(shape.get(key)) for key in ("label", "description"))
        self.words += self._text_from == "label"
        self.labels.add(label)
        self.described += bool(description.strip())
        flags = shape.get("flags")
        difficult = shape.get("difficult") is True or (isinstance(flags, dict) and flags.get("difficult") is True)
        words.word(name, position, points, label if self._text_from == "label" else description, difficult)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
