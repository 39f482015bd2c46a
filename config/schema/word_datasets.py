"""Formats of images with word boxes: one section for each, told apart by `format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from config.schema.base import DatasetBase

FOLDERS = {
    "training": {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"},
    "test": {"images": "ch4_test_images", "labels": "ch4_test_localization_transcription_gt"},
}
"""What the folders of an ICDAR dataset are called unless the configuration says otherwise, by what it is used for."""

Orientation = Literal["ignore", "apply"]


def _label_name(pattern: str) -> str:
    if pattern.count("{name}") != 1 or set(pattern) & set("/\\") or pattern.startswith("."):
        raise ValueError("must be the name of a file with {name} in it once, such as gt_{name}.txt")
    return pattern


LabelNames = Annotated[list[Annotated[str, AfterValidator(_label_name)]], Field(min_length=1)]


class WordDataset(DatasetBase):
    """What every dataset of images with word boxes has."""

    root: str
    """Folder that all other names are looked for in."""

    select: str | None = None
    """Take only images whose name ends in a number of this inclusive range, such as `901-1000`."""

    do_not_care_label: list[str] = ["###", ""]
    """Transcriptions that mark a word as "don't care"."""

    exif_orientation: Orientation = "ignore"
    """Whether the boxes were drawn on the pixels as they are stored (`ignore`: the published datasets) or on the
    picture turned upright by its EXIF orientation (`apply`: most programs for labelling photos)."""

    @property
    def source(self) -> str:
        return self.root


class FolderDataset(WordDataset):
    """A folder of images and a folder with a label file for each; an absent or empty one means: no text."""

    images: str = "images"
    """Folder of the images, inside `root`. Hidden files, and what is not an image by its name, are skipped."""

    labels: str = "labels"
    """Folder of the label files, inside `root`."""

    image_names: str = "*"
    """Take only images whose name fits this pattern, such as `tr_*.jpg`; `*` stands for anything, case counts."""

    label_names: LabelNames = ["gt_{name}.txt", "{name}.txt"]
    """Name of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""


class IcdarDataset(FolderDataset):
    """Images and one text file of word boxes for each, as the ICDAR competitions publish them."""

    format: Literal["icdar2015", "icdar2013", "icdar2017_mlt"] = "icdar2015"
    """`icdar2015`: `x1,y1,x2,y2,x3,y3,x4,y4,text`. `icdar2013`: `left, top, right, bottom, "text"`, with commas
    or spaces. `icdar2017_mlt`: `x1,y1,x2,y2,x3,y3,x4,y4,script,text`."""

    images: str | None = None
    """Folder of the images, inside `root`; null takes `ch4_training_images` for training and `ch4_test_images` for
    an evaluation."""

    labels: str | None = None
    """Folder of the label files, inside `root`; null takes `ch4_training_localization_transcription_gt` for training
    and `ch4_test_localization_transcription_gt` for an evaluation."""


class PolygonDataset(FolderDataset):
    """Images and one text file of polygons for each: Total-Text and SCUT-CTW1500."""

    format: Literal["totaltext", "ctw1500"] = "totaltext"
    """`totaltext`: `x1,y1,...,xn,yn,text` or `x: [[x1 ... xn]], y: [[y1 ... yn]], ornt: [u'c'], transcriptions:
    [u'text']`. `ctw1500`: `x1,y1,...,xn,yn,####text`."""

    label_names: LabelNames = ["poly_gt_{name}.txt", "gt_{name}.txt", "{name}.txt"]
    """Name of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""

    do_not_care_label: list[str] = ["###", "#", ""]
    """Transcriptions that mark a word as "don't care"."""


class LabelmeDataset(FolderDataset):
    """Images and a JSON file for each, as labelme and X-AnyLabeling write them."""

    format: Literal["labelme"] = "labelme"

    images: str = "."
    """Folder of the images, inside `root`. Hidden files, and what is not an image by its name, are skipped."""

    labels: str = "."
    """Folder of the JSON files, inside `root`. The path of the image in them is not used: it is that of the
    machine the image was labelled on."""

    label_names: LabelNames = ["{name}.json"]
    """Name of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""

    text_from: Literal["label", "description"] = "label"
    """Which key of a shape holds the text of the word."""

    exif_orientation: Orientation = "apply"
    """Whether the boxes were drawn on the pixels as they are stored (`ignore`) or on the picture turned upright by
    its EXIF orientation (`apply`: labelme shows it so)."""


class PaddleOcrDataset(WordDataset):
    """Images and label files with one line for each image, as PaddleOCR reads and PPOCRLabel writes them."""

    format: Literal["paddleocr"] = "paddleocr"
    """`PATH<TAB>[{"transcription": "text", "points": [[x1, y1], ...]}, ...]`; `"difficult": true` makes a word
    "don't care". A word may have its character boxes, too, which then take the place of its pseudo-labels:
    `"chars": [[[x1, y1], [x2, y2], [x3, y3], [x4, y4]], ...]`, one for each character that is not white space."""

    images: str = "."
    """Folder, inside `root`, that the paths of the label files start from. An image that is not there is looked for
    by its name alone, too."""

    labels: Annotated[list[str], Field(min_length=1)] = ["Label.txt"]
    """Label files, inside `root`."""

    do_not_care_label: list[str] = ["###", "*", ""]
    """Transcriptions that mark a word as "don't care"."""

    exif_orientation: Orientation = "apply"
    """Whether the boxes were drawn on the pixels as they are stored (`ignore`) or on the picture turned upright by
    its EXIF orientation (`apply`: PPOCRLabel and PaddleOCR read it so)."""


class CocoTextDataset(WordDataset):
    """Images and one JSON file with `imgs` and `anns`: COCO-Text and TextOCR."""

    format: Literal["cocotext", "textocr"] = "cocotext"
    """`cocotext`: the outline is `mask` (or `polygon`), illegible text is "don't care". `textocr`: the outline is
    `points`, the text `.` is "don't care"."""

    images: str = "."
    """Folder, inside `root`, that the file names of the JSON file start from. An image that is not there is looked
    for by its name alone, too."""

    labels: str = "cocotext.v2.json"
    """The JSON file, inside `root`."""

    split: str | None = None
    """Take only images whose `set` is this, such as `train` or `val`; null takes all."""


class ExportedDataset(WordDataset):
    """Images and the files that a program for labelling exports, each for any number of images."""

    word_labels: list[str] | None = None
    """Labels of the shapes that are words; those of others are left out. null takes all shapes."""

    ignore_labels: list[str] = ["ignore", "illegible", "###"]
    """Labels of words that are "don't care"."""

    exif_orientation: Orientation = "apply"
    """Whether the boxes were drawn on the pixels as they are stored (`ignore`) or on the picture turned upright by
    its EXIF orientation (`apply`: these programs show it so)."""


class CvatDataset(ExportedDataset):
    """Images and XML files, as CVAT exports them as "CVAT for images 1.1"."""

    format: Literal["cvat"] = "cvat"

    images: str = "images"
    """Folder, inside `root`, that the names of the XML file start from. An image that is not there is looked for by
    its name alone, too."""

    labels: Annotated[list[str], Field(min_length=1)] = ["annotations.xml"]
    """XML files, inside `root`."""

    text_from: str = "text"
    """Attribute of a shape that holds the text of the word."""

    ignore_occluded: bool = False
    """Whether shapes marked as occluded are "don't care"."""


class LabelStudioDataset(ExportedDataset):
    """Images and JSON files, as Label Studio exports them as "JSON"."""

    format: Literal["labelstudio"] = "labelstudio"

    images: str = "images"
    """Folder, inside `root`, of the images. Those that were uploaded are found with and without the letters that Label
    Studio puts before their names, those of a storage by their path or by their name alone."""

    labels: Annotated[list[str], Field(min_length=1)] = ["export.json"]
    """JSON files, inside `root`."""

    image_from: str | None = None
    """Key of a task's `data` that holds the image's address; null takes `image`, `ocr`, or the only key there is."""

    text_from: str | None = None
    """Name of the text field (`TextArea`) that holds the text of a word; null takes the only one there is."""


Words = (
    IcdarDataset
    | PolygonDataset
    | LabelmeDataset
    | PaddleOcrDataset
    | CocoTextDataset
    | CvatDataset
    | LabelStudioDataset
)


def named_for(use: Literal["training", "test"]) -> Callable[[Any], Any]:
    """Return a function that gives an ICDAR dataset without names of folders those of `FOLDERS[use]`."""

    def named(dataset: Any) -> Any:
        if not isinstance(dataset, IcdarDataset):
            return dataset
        missing = {key: name for key, name in FOLDERS[use].items() if getattr(dataset, key) is None}
        return dataset.model_copy(update=missing) if missing else dataset

    return named
