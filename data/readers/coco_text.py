"""COCO-Text (Veit et al., 2016) and TextOCR (Singh et al., CVPR 2021): one JSON file for all images.

Both have `imgs`, image id -> `file_name` and `set`, and `anns`, word id -> `image_id`, `utf8_string` and an
outline, x and y in turn: `mask` in COCO-Text v2, `polygon` in its first version, `points` in TextOCR. COCO-Text
marks illegible words by `legibility: illegible`, mostly without a text, TextOCR by the text `.`. A word without an
outline has a `bbox`: left, top, width and height.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from config.errors import UserError
from config.schema.word_datasets import CocoTextDataset
from data.reader import DropReport
from data.readers.label_files import are_numbers, label_bytes
from data.readers.listing import ImageFolder, check_selected, label_path, selector, subfolder
from data.readers.sniff import what_is
from data.readers.word_builder import WordBuilder
from data.readers.word_reader import WordReader

logger = logging.getLogger(__name__)

_OUTLINES = ("points", "mask", "polygon")
_ILLEGIBLE = "."


def open_coco_text(config: CocoTextDataset) -> WordReader:
    """Open COCO-Text or TextOCR. Samples come in the order of `imgs`, words in that of `anns`.

    An image that is missing is left out with its words, all counted.

    Raises:
        UserError: the folder or the JSON file is missing or not of this layout, `select` is no range, no image is
            of `split`, or too many words are faulty.
    """
    folder = subfolder(config.root, config.images, "images")
    path = label_path(config.root, config.labels)
    images, annotations = _load(path)
    wanted = _wanted(images, config, path)
    report = DropReport()
    of_image: dict[str, list[tuple[str, dict[str, Any]]]] = {key: [] for key in images}
    for key, annotation in annotations.items():
        owner = str(annotation.get("image_id")) if isinstance(annotation, dict) else ""
        if owner in of_image:
            of_image[owner].append((key, annotation))
        else:
            report.drop("word: no image has its `image_id`", f"{path.name} word {key}")
    found = ImageFolder(folder)
    labels = [*config.do_not_care_label, *([_ILLEGIBLE] if config.format == "textocr" else [])]
    words = WordBuilder(report, labels, "word")
    seen: set[str] = set()
    bare = 0
    for key in wanted:
        entry = images[key]
        name, fault = found.find(str(entry.get("file_name", "")))
        if name in seen:
            fault = "image: listed twice"
        if fault or name is None:
            report.drop(fault, f"{path.name} image {key}: {entry.get('file_name')!r}")
            if of_image[key]:
                report.drop("word: its image was left out", f"{path.name} image {key}", len(of_image[key]))
            continue
        seen.add(name)
        bare += not of_image[key]
        for word_id, annotation in of_image[key]:
            _word(annotation, path.name, word_id, words)
        words.image(name)
    if bare:
        logger.info("%s: %d images are listed without words and count as images without text", path, bare)
    return WordReader(folder, words, config, str(path))


def _load(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Return `imgs` and `anns` of the file."""
    data = label_bytes(path)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        kind = what_is(data[:520])
        hint = "set the dataset's `labels` to the JSON file of COCO-Text or TextOCR"
        raise UserError(f"{path}: this is not JSON{f', it is {kind}' if kind else ''}; {hint}") from None
    images, annotations = (content.get(key) if isinstance(content, dict) else None for key in ("imgs", "anns"))
    if not isinstance(images, dict) or not isinstance(annotations, dict):
        raise UserError(f"{path}: has no `imgs` and `anns` as COCO-Text and TextOCR do; check the dataset's `format`")
    if not all(isinstance(entry, dict) for entry in images.values()):
        raise UserError(f"{path}: an entry of `imgs` is not a mapping; download the file again")
    return images, annotations


def _wanted(images: dict[str, dict[str, Any]], config: CocoTextDataset, path: Path) -> list[str]:
    """Return the ids of the images of `split` whose names `select` takes."""
    keys = [key for key, entry in images.items() if config.split in (None, entry.get("set"))]
    if images and not keys:
        there = ", ".join(sorted({str(entry.get("set")) for entry in images.values()}))
        raise UserError(f"{path}: no image is of `split: {config.split}`; the file has {there}")
    takes = selector(config.select)
    chosen = [key for key in keys if takes(str(images[key].get("file_name", "")))]
    check_selected(chosen, len(keys), config.select, path)
    return chosen


def _word(annotation: dict[str, Any], source: str, key: str, words: WordBuilder) -> None:
    outline = next((annotation[name] for name in _OUTLINES if annotation.get(name)), None)
    if outline is None and are_numbers(annotation.get("bbox")) and len(annotation["bbox"]) == 4:
        left, top, width, height = annotation["bbox"]
        outline = [left, top, left + width, top, left + width, top + height, left, top + height]
    if not are_numbers(outline) or len(outline) % 2:
        words.drop("outline is not pairs of numbers", source, key)
        return
    text = annotation.get("utf8_string", "")
    if not isinstance(text, str):
        words.drop("utf8_string is not a text", source, key)
        return
    words.word(source, key, outline, text, annotation.get("legibility") == "illegible")
