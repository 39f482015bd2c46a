"""Formats of images with word boxes: one section per format, selected by `format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from config.schema.base import DatasetBase

FOLDERS = {
    "training": {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"},
    "test": {"images": "ch4_test_images", "labels": "ch4_test_localization_transcription_gt"},
}
"""Default folder names of an ICDAR dataset, by its use."""

Orientation = Literal["ignore", "apply"]


def _label_name(pattern: str) -> str:
    if pattern.count("{name}") != 1 or set(pattern) & set("/\\") or pattern.startswith("."):
        raise ValueError("must be the name of a file with {name} in it once, such as gt_{name}.txt")
    return pattern


LabelNames = Annotated[list[Annotated[str, AfterValidator(_label_name)]], Field(min_length=1)]


class WordDataset(DatasetBase):
    """Settings of every dataset of images with word boxes."""

    root: str
    """Folder that all other paths are relative to."""

    select: str | None = None
    """Use only images whose name ends in a number of this inclusive range, such as `901-1000`."""

    do_not_care_label: list[str] = ["###", ""]
    """Transcriptions that mark a word as "don't care"."""

    exif_orientation: Orientation = "ignore"
    """What the coordinates of the boxes refer to: the pixels as stored (`ignore`: the published datasets) or the image
    rotated by its EXIF orientation (`apply`: most labelling tools)."""

    @property
    def source(self) -> str:
        return self.root


class FolderDataset(WordDataset):
    """A folder of images and a folder with one label file per image; an image without one, or with an empty one, has no
    text."""

    images: str = "images"
    """Folder of the images, inside `root`. Hidden files and files without the suffix of an image are skipped."""

    labels: str = "labels"
    """Folder of the label files, inside `root`."""

    image_names: str = "*"
    """Use only images whose name matches this pattern, such as `tr_*.jpg`; `*` matches anything, case matters."""

    label_names: LabelNames = ["gt_{name}.txt", "{name}.txt"]
    """Names of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""


class IcdarDataset(FolderDataset):
    """Images and one text file of word boxes per image, as the ICDAR competitions publish them."""

    format: Literal["icdar2015", "icdar2013", "icdar2017_mlt"] = "icdar2015"
    """`icdar2015`: `x1,y1,x2,y2,x3,y3,x4,y4,text`. `icdar2013`: `left, top, right, bottom, "text"`, with commas
    or spaces. `icdar2017_mlt`: `x1,y1,x2,y2,x3,y3,x4,y4,script,text`."""

    images: str | None = None
    """Folder of the images, inside `root`; null uses `ch4_training_images` for training and `ch4_test_images` for
    an evaluation."""

    labels: str | None = None
    """Folder of the label files, inside `root`; null uses `ch4_training_localization_transcription_gt` for training
    and `ch4_test_localization_transcription_gt` for an evaluation."""


class PolygonDataset(FolderDataset):
    """Images and one text file of polygons per image: Total-Text and SCUT-CTW1500."""

    format: Literal["totaltext", "ctw1500"] = "totaltext"
    """`totaltext`: `x1,y1,...,xn,yn,text` or `x: [[x1 ... xn]], y: [[y1 ... yn]], ornt: [u'c'], transcriptions:
    [u'text']`. `ctw1500`: `x1,y1,...,xn,yn,####text`."""

    label_names: LabelNames = ["poly_gt_{name}.txt", "gt_{name}.txt", "{name}.txt"]
    """Names of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""

    do_not_care_label: list[str] = ["###", "#", ""]
    """Transcriptions that mark a word as "don't care"."""


class LabelmeDataset(FolderDataset):
    """Images and one JSON file per image, as labelme and X-AnyLabeling write them."""

    format: Literal["labelme"] = "labelme"

    images: str = "."
    """Folder of the images, inside `root`. Hidden files and files without the suffix of an image are skipped."""

    labels: str = "."
    """Folder of the JSON files, inside `root`. The image path inside them is not used, because it is the path on the
    machine where the image was labelled."""

    label_names: LabelNames = ["{name}.json"]
    """Names of the label file of the image `NAME.*`, with `{name}` for NAME; the first one that exists is read."""

    text_from: Literal["label", "description"] = "label"
    """Key of a shape that holds the text of the word."""

    exif_orientation: Orientation = "apply"
    """What the coordinates of the boxes refer to: the pixels as stored (`ignore`) or the image rotated by its EXIF
    orientation (`apply`, as labelme does)."""


class PaddleOcrDataset(WordDataset):
    """Images and label files with one line per image, as PaddleOCR reads and PPOCRLabel writes them."""

    format: Literal["paddleocr"] = "paddleocr"
    """`PATH<TAB>[{"transcription": "text", "points": [[x1, y1], ...]}, ...]`; `"difficult": true` makes a word
    "don't care". A word may have character boxes, which then replace its pseudo-labels: `"chars": [[[x1, y1], [x2, y2],
    [x3, y3], [x4, y4]], ...]`, one box per character that is not white space."""

    images: str = "."
    """Folder, inside `root`, that the paths of the label files are relative to. An image that is not there is also
    searched for by its file name alone."""

    labels: Annotated[list[str], Field(min_length=1)] = ["Label.txt"]
    """Label files, inside `root`."""

    do_not_care_label: list[str] = ["###", "*", ""]
    """Transcriptions that mark a word as "don't care"."""

    exif_orientation: Orientation = "apply"
    """What the coordinates of the boxes refer to: the pixels as stored (`ignore`) or the image rotated by its EXIF
    orientation (`apply`, as PPOCRLabel and PaddleOCR do)."""


class CocoTextDataset(WordDataset):
    """Images and one JSON file with `imgs` and `anns`: COCO-Text and TextOCR."""

    format: Literal["cocotext", "textocr"] = "cocotext"
    """`cocotext`: the outline is `mask` (or `polygon`), illegible text is "don't care". `textocr`: the outline is
    `points`, the text `.` is "don't care"."""

    images: str = "."
    """Folder, inside `root`, that the file names of the JSON file are relative to. An image that is not there is also
    searched for by its file name alone."""

    labels: str = "cocotext.v2.json"
    """The JSON file, inside `root`."""

    split: str | None = None
    """Use only images with this value of `set`, such as `train` or `val`; null uses all."""


class ExportedDataset(WordDataset):
    """Images and the files that a labelling tool exports, each for any number of images."""

    word_labels: list[str] | None = None
    """Labels of the shapes that are words; shapes with other labels are left out. null uses all shapes."""

    ignore_labels: list[str] = ["ignore", "illegible", "###"]
    """Labels of words that are "don't care"."""

    exif_orientation: Orientation = "apply"
    """What the coordinates of the boxes refer to: the pixels as stored (`ignore`) or the image rotated by its EXIF
    orientation (`apply`, as these tools do)."""


class CvatDataset(ExportedDataset):
    """Images and XML files, as CVAT exports them as "CVAT for images 1.1"."""

    format: Literal["cvat"] = "cvat"

    images: str = "images"
    """Folder, inside `root`, that the names in the XML file are relative to. An image that is not there is also
    searched for by its file name alone."""

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
    """Folder, inside `root`, of the images. Uploaded images are found with and without the prefix that Label Studio
    adds to their names, images of a storage by their path or by their file name alone."""

    labels: Annotated[list[str], Field(min_length=1)] = ["export.json"]
    """JSON files, inside `root`."""

    image_from: str | None = None
    """Key of a task's `data` that holds the URL of the image; null uses `image`, `ocr`, or the only key."""

    text_from: str | None = None
    """Name of the text field (`TextArea`) that holds the text of a word; null uses the only text field."""


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
    """Return a function that sets missing folder names of an ICDAR dataset to those of `FOLDERS[use]`."""

    def named(dataset: Any) -> Any:
        if not isinstance(dataset, IcdarDataset):
            return dataset
        missing = {key: name for key, name in FOLDERS[use].items() if getattr(dataset, key) is None}
        return dataset.model_copy(update=missing) if missing else dataset

    return named
