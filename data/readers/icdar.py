"""Datasets in the form of the ICDAR competitions: a folder of images and a folder with a text file for each."""

from __future__ import annotations

import hashlib
import itertools
import logging
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from config.errors import UserError, nearest
from config.schema.datasets import IcdarDataset
from data.reader import DropReport
from data.readers.icdar_lines import MalformedLineError, parse_icdar2013, parse_icdar2015
from data.readers.images import read_image
from data.readers.limits import check_dropped, choose_samples
from data.readers.naming import natural_key
from data.readers.quads import FAULTS, OUTSIDE, clockwise, quad_faults
from data.sample import TextSample

logger = logging.getLogger(__name__)

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp"})

_NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True)
class _Annotation:
    name: str
    words: list[str]
    quads: np.ndarray
    ignore: np.ndarray


class IcdarReader:
    """Reader of ICDAR 2013 and 2015 folders.

    Samples come in natural order (`img_2` before `img_10`). An image without a label file, or with an empty one, is an
    image without text. A line that is not of the format, or whose box has no area, is left out and counted;
    a box is kept wherever it lies, so that an evaluation counts what the ground truth counts. Label files of
    images that are not there are counted too.

    Attributes:
        report: counts over all images that `select` takes, whatever `samples` selects.

    Raises:
        UserError: a folder is missing or does not fit, `select` is no range, or too many words are faulty.
    """

    def __init__(self, config: IcdarDataset) -> None:
        root = Path(config.root).expanduser()
        self._folder = _subfolder(root, config.images, "images").resolve()
        labels = _subfolder(root, config.labels, "labels")
        images = _visible(self._folder, IMAGE_SUFFIXES)
        if not images:
            raise UserError(f"{self._folder}: holds no images; set the dataset's `images` to the folder that does")
        label_of = _match_labels(images, _visible(labels, {".txt"}), self._folder, labels)
        self.report = DropReport()
        stems = {image.stem for image in images}
        for label in _visible(labels, {".txt"}):
            if label.stem not in stems and label.stem.removeprefix("gt_") not in stems:
                self.report.drop("image: missing for a label file", label.name)
        self._samples = self._read_all(_selected(images, config.select), label_of, config)
        check_dropped(self.report, config.max_dropped, str(labels))
        chosen = choose_samples(len(self._samples), config.samples, str(self._folder))
        if chosen is not None:
            self._samples = [self._samples[k] for k in chosen]

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> TextSample:
        sample = self.annotation(index)
        return replace(sample, image=read_image(self._folder, sample.sample_id, sample.sample_id))

    def annotation(self, index: int) -> TextSample:
        """Return the sample without its image."""
        own = self._samples[index]
        return TextSample(own.name, _NO_IMAGE, list(own.words), own.quads.copy(), own.ignore.copy())

    def fingerprint(self) -> str:
        content = hashlib.sha256()
        for own in self._samples:
            content.update(repr((own.name, own.words, own.ignore.tolist())).encode("utf-8", "replace"))
            content.update(own.quads.astype("<f4").tobytes())
        return content.hexdigest()[:16]

    def _read_all(self, images: list[Path], label_of: dict[str, Path], config: IcdarDataset) -> list[_Annotation]:
        absent, empty = [], []
        lines = _Lines(config.format, self.report)
        for number, image in enumerate(images):
            label = label_of.get(image.stem)
            if label is None:
                absent.append(image.name)
            elif not lines.read(number, label):
                empty.append(label.name)
        for names, what in ((absent, "have no label file"), (empty, "have an empty label file")):
            if names:
                logger.info(
                    "%s: %d of %d images %s and count as images without text (e.g. %s)",
                    self._folder, len(names), len(images), what, names[0],
                )  # fmt: skip
        owners, words, quads = lines.usable()
        self.report.images += len(images)
        self.report.words += len(words)
        ignore = np.array([word in config.do_not_care_label for word in words], bool)
        ends = np.searchsorted(owners, np.arange(len(images) + 1)).tolist()
        return [
            _Annotation(image.name, words[start:stop], quads[start:stop], ignore[start:stop])
            for image, (start, stop) in zip(images, itertools.pairwise(ends), strict=True)
        ]


class _Lines:
    """Collects the lines of many label files, so that their quads are checked all at once."""

    def __init__(self, file_format: str, report: DropReport) -> None:
        self._parse = parse_icdar2015 if file_format == "icdar2015" else parse_icdar2013
        self._report = report
        self._owners: list[int] = []
        self._places: list[str] = []
        self._words: list[str] = []
        self._corners: list[list[float]] = []

    def read(self, owner: int, label: Path) -> int:
        """Read the label file of image number `owner`; return how many lines it has, blank ones aside."""
        lines = _split_lines(label)
        for number, line in lines:
            place = f"{label.name} line {number}"
            try:
                corners, text = self._parse(line.decode("utf-8"))
            except UnicodeDecodeError:
                self._report.drop("word: line is not UTF-8", place)
            except MalformedLineError as fault:
                self._report.drop(f"word: {fault}", place)
            else:
                self._owners.append(owner)
                self._places.append(place)
                self._words.append(text)
                self._corners.append(corners)
        return len(lines)

    def usable(self) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Return owner int64 [W], word and quad float32 [W, 4, 2] of each line whose box can be used."""
        with np.errstate(over="ignore"):
            quads = np.array(self._corners, np.float64).reshape(-1, 4, 2).astype(np.float32)
        finite = np.isfinite(quads).all((1, 2))
        quads[finite] = clockwise(quads[finite])
        faults = quad_faults(quads)
        faults[faults == OUTSIDE] = 0
        for k in np.flatnonzero(faults):
            self._report.drop(f"word: {FAULTS[int(faults[k])]}", self._places[k])
        good = np.flatnonzero(faults == 0)
        return np.array(self._owners, np.int64)[good], [self._words[k] for k in good], quads[good]


def _subfolder(root: Path, name: str, key: str) -> Path:
    if not root.is_dir():
        raise UserError(f"{root}: this data root is not a folder; set the dataset's `root`")
    folder = root / name
    if not folder.is_dir():
        near = nearest(name, [path.name for path in root.iterdir() if path.is_dir()])
        hint = f"did you mean '{near}'?" if near else f"set the dataset's `{key}` to a folder inside `root`"
        raise UserError(f"{folder}: this folder of {key} does not exist; {hint}")
    return folder


def _visible(folder: Path, suffixes: frozenset[str] | set[str]) -> list[Path]:
    """Return the files of a folder with one of the suffixes in any case, in natural order, hidden ones left out."""
    files = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    ]
    return sorted(files, key=lambda path: natural_key(path.name))


def _match_labels(images: list[Path], files: list[Path], folder: Path, labels: Path) -> dict[str, Path]:
    """Return the label file of each image stem that has one: `gt_STEM.txt`, else `STEM.txt`."""
    by_stem = {path.stem: path for path in files}
    label_of: dict[str, Path] = {}
    seen: dict[str, Path] = {}
    for image in images:
        if image.stem in seen:
            raise UserError(
                f"{folder}: {seen[image.stem].name} and {image.name} share one label file; rename or remove one"
            )
        seen[image.stem] = image
        label = by_stem.get(f"gt_{image.stem}") or by_stem.get(image.stem)
        if label is not None:
            label_of[image.stem] = label
    if not label_of:
        stem = images[0].stem
        raise UserError(
            f"{labels}: no image has a label file here (looked for gt_{stem}.txt and {stem}.txt, and so on); "
            "set the dataset's `labels` to their folder"
        )
    return label_of


def _selected(images: list[Path], select: str | None) -> list[Path]:
    """Return the images whose name ends in a number of the inclusive range `select`, such as "901-1000"."""
    if select is None:
        return images
    limits = re.fullmatch(r"\s*([0-9]+)\s*-\s*([0-9]+)\s*", select)
    if limits is None or int(limits[1]) > int(limits[2]):
        raise UserError(f"`select: {select}` of the dataset is not a range; write it as 901-1000")
    chosen = []
    for image in images:
        number = re.search(r"[0-9]+$", image.stem)
        if number and int(limits[1]) <= int(number[0]) <= int(limits[2]):
            chosen.append(image)
    if not chosen:
        raise UserError(f"{images[0].parent}: `select: {select}` takes none of the {len(images):,} images")
    return chosen


def _split_lines(path: Path) -> list[tuple[int, bytes]]:
    """Return number and bytes of each line that is not blank, without its end and without a byte order mark."""
    data = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    numbered = enumerate(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), 1)
    return [(number, line) for number, line in numbered if line.strip()]
