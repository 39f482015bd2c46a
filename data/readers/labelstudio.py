"""Label Studio: a JSON file for many images, exported as "JSON" (labelstud.io, "Task format").

A list of tasks, `{"id", "data": {"ocr": ADDRESS}, "annotations": [{"was_cancelled", "result": [...]}]}`. The entries
of `result` that share an `id` are about one region: its shape (`rectangle`, `polygon`, or either with `labels` behind
it), its labels and its text (`textarea`). Coordinates are percent of `original_width` and `original_height`; a
rectangle is turned by `rotation` degrees clockwise about its top left corner.

An address points to an upload, `/data/upload/PROJECT/xxxxxxxx-NAME`, to a local file, `/data/local-files/?d=PATH`, or
to a storage or web server.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from config.errors import UserError
from config.schema.word_datasets import LabelStudioDataset
from data.readers.exported import ExportBuilder
from data.readers.label_files import are_numbers, flat_points, integer, label_bytes
from data.readers.listing import label_path, subfolder
from data.readers.outlines import turned_rectangle
from data.readers.sniff import what_is
from data.readers.word_reader import WordReader

_SHAPES = frozenset({"rectangle", "polygon"})
_OTHER_SHAPES = frozenset({"ellipse", "brush", "bitmask", "keypoint", "vector"})
_UPLOAD = "/data/upload/"
_PREFIX = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an upload."""
_SHOWN = 40
"""Characters of an image inside the file (`data:image/png;base64,...`), which is not read, for messages."""


@dataclass
class _Region:
    """The content of all entries with one `id`; texts by the name of their field."""

    shape: dict[str, Any] | None = None
    labels: list[str] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class _Task:
    source: str
    task_id: str
    data: dict[str, Any]
    regions: dict[str, _Region]

    @property
    def place(self) -> str:
        return f"{self.source} task {self.task_id}"


def open_labelstudio(config: LabelStudioDataset) -> WordReader:
    """Open JSON files of Label Studio. Samples come in the order of the tasks, words in that of the regions.

    A task that was skipped (`was_cancelled`) or has no annotation is left out and counted, and so is an image that is
    missing or listed twice. If a task has several annotations, the one marked as ground truth is read, or else the
    first.

    Raises:
        UserError: a folder or file is missing, a file is not of this layout, `select` is no range, the key of the
            addresses or of the texts is ambiguous, or too many words are faulty.
    """
    folder = subfolder(config.root, config.images, "images")
    export = ExportBuilder(config, folder, "task")
    tasks = [task for label in config.labels for task in _tasks(label_path(config.root, label), export)]
    fields = sorted({name for task in tasks for region in task.regions.values() for name in region.texts})
    if config.text_from is None and len(fields) > 1:
        raise UserError(
            f"{folder}: words have several texts; set the dataset's `text_from` to one of {', '.join(fields)}"
        )
    text_from = config.text_from or next(iter(fields), "")
    for task in tasks:
        names = _names(_address(task, config))
        image = export.find(names, len(task.regions), task.place)
        if image is None:
            continue
        size = (0, 0)
        for key, region in task.regions.items():
            size = max(size, _word(region, task, key, text_from, export))
        export.words.image(image, size)
    there = f"there are {', '.join(fields)}" if fields else "there are none"
    return export.reader(str(folder), f"set the dataset's `text_from` to the text field that holds it ({there})")


def _tasks(path: Path, export: ExportBuilder) -> Iterator[_Task]:
    """Yield the tasks of a file that have a valid annotation; count the others."""
    for position, entry in enumerate(_load(path), 1):
        task_id = str(entry.get("id", f"at position {position}"))
        place = f"{path.name} task {task_id}"
        annotations = entry.get("annotations")
        if not isinstance(annotations, list):
            raise UserError(f"{place}: has no list `annotations`; export as 'JSON', which is not 'JSON-MIN'")
        made = [each for each in annotations if isinstance(each, dict) and isinstance(each.get("result"), list)]
        valid = [each for each in made if each.get("was_cancelled") is not True]
        if not valid:
            export.report.drop(f"image: its {'annotation was cancelled' if made else 'task has no annotation'}", place)
            continue
        if len(valid) < len(made):
            export.report.note("annotation: cancelled, another one is read", place, len(made) - len(valid))
        if len(valid) > 1:
            export.report.note("annotation: one of several, another one is read", place, len(valid) - 1)
        chosen = next((each for each in valid if each.get("ground_truth") is True), valid[0])
        data = entry.get("data")
        yield _Task(
            path.name, task_id, data if isinstance(data, dict) else {}, _regions(chosen["result"], place, export)
        )


def _load(path: Path) -> list[dict[str, Any]]:
    data = label_bytes(path)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as fault:
        kind = what_is(data[:520])
        where = f" line {fault.lineno}" if isinstance(fault, json.JSONDecodeError) else ""
        hint = "set the dataset's `labels` to the file that Label Studio exported as 'JSON'"
        raise UserError(f"{path}{where}: this is not JSON{f', it is {kind}' if kind else ''}; {hint}") from None
    if not isinstance(content, list) or not all(isinstance(task, dict) for task in content):
        raise UserError(f"{path}: is no list of tasks as Label Studio exports it; check the dataset's `format`")
    return content


def _regions(entries: list[Any], place: str, export: ExportBuilder) -> dict[str, _Region]:
    """Return the regions of an annotation by their `id`, in the order of their first entries."""
    found: dict[str, _Region] = {}
    for position, entry in enumerate(entries, 1):
        value = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(value, dict):
            continue  # A relation between regions.
        region = found.setdefault(str(entry.get("id", f"at position {position}")), _Region())
        kind = str(entry.get("type"))
        if kind == "textarea":
            text = value.get("text")
            lines = [text] if isinstance(text, str) else text if isinstance(text, list) else []
            region.texts[str(entry.get("from_name"))] = " ".join(str(line) for line in lines)
        elif kind.removesuffix("labels") in _SHAPES | _OTHER_SHAPES:
            region.shape = entry
        labels = value.get(kind) if kind.endswith("labels") else None
        region.labels += [str(label) for label in labels] if isinstance(labels, list) else []
    for key in [key for key, region in found.items() if region.shape is None]:
        if found.pop(key).texts:
            export.report.note("text: belongs to no shape", f"{place}, region {key}")
    return found


def _word(region: _Region, task: _Task, key: str, text_from: str, export: ExportBuilder) -> tuple[int, int]:
    """Add a word; return height and width of the image that it was drawn on, or zeros if they are unknown."""
    shape = region.shape
    assert shape is not None, "regions without a shape are not words"
    item, words = f"{task.task_id}, region {key}", export.words
    width, height = integer(shape.get("original_width")), integer(shape.get("original_height"))
    kind = str(shape.get("type")).removesuffix("labels")
    if not export.is_word(region.labels, f"{task.place}, region {key}"):
        return height, width
    if kind not in _SHAPES:
        words.drop("shape is no box and no polygon", task.source, item, repr(kind), parsed=True)
    elif not width or not height:
        words.drop("shape has no `original_width` and `original_height`", task.source, item)
    elif shape.get("image_rotation") not in (None, 0):
        # Its coordinates refer to the turned picture, of which there is no file.
        words.drop("drawn on an image that was turned", task.source, item, parsed=True)
        return 0, 0
    else:
        outline = _outline(shape["value"], kind, width / 100, height / 100)
        if outline is None:
            words.drop("points are not numbers", task.source, item)
        else:
            export.word(task.source, item, outline, region.labels, region.texts.get(text_from))
    return height, width


def _outline(value: dict[str, Any], kind: str, across: float, down: float) -> list[float] | None:
    """Return x and y of a shape's points in turn, pixels, or None if they are not numbers.

    Args:
        value: coordinates in percent.
        kind: `rectangle` or `polygon`.
        across: pixels per percent of the width.
        down: pixels per percent of the height.
    """
    if kind == "polygon":
        points = flat_points(value.get("points"))
        return points and [coordinate * (down if odd % 2 else across) for odd, coordinate in enumerate(points)]
    values = [value.get("x"), value.get("y"), value.get("width"), value.get("height"), value.get("rotation", 0)]
    if not are_numbers(values):
        return None
    left, top, width, height, degrees = values
    left, top = left * across, top * down
    return turned_rectangle(left, top, width * across, height * down, degrees, (left, top))


def _address(task: _Task, config: LabelStudioDataset) -> str:
    """Return the address of a task's image, or an empty string."""
    texts = {key: value for key, value in task.data.items() if isinstance(value, str)}
    key = config.image_from or next((key for key in ("image", "ocr") if key in texts), None)
    if key is None and len(texts) > 1:
        raise UserError(
            f"{task.place}: set the dataset's `image_from` to the key of its image, one of {', '.join(texts)}"
        )
    return texts.get(key or next(iter(texts), ""), "")


def _names(address: str) -> list[str]:
    """Return the possible paths of an address's image below the folder of images, the best first."""
    try:
        parts = urlsplit(address)
        local = parse_qs(parts.query).get("d", [""])[0] if parts.path.rstrip("/").endswith("local-files") else ""
    except ValueError:  # Not an address, but a name with brackets.
        return [address]
    if parts.scheme == "data":
        return [address[:_SHOWN]]
    if len(parts.scheme) == 1 or not (parts.scheme or address.startswith("/")):
        return [address]  # A path; a single letter is a drive and not a scheme.
    path = local or unquote(parts.path)
    path = path.removeprefix(_UPLOAD).lstrip("/")
    name = path.rsplit("/", 1)[-1]
    return [path, _PREFIX.sub("", name, count=1)] if _PREFIX.match(name) else [path]
