"""CVAT: an XML file for many images, exported as "CVAT for images 1.1" (docs.cvat.ai, "XML annotation format").

`<annotations>` holds an `<image name width height>` for each image. Its `<box xtl ytl xbr ybr rotation>` is turned by
`rotation` degrees clockwise about its centre; its `<polygon points="x,y;x,y;...">` has three points or more. Both have
a `label`, `occluded="1"` if something covers a part, and an `<attribute name>` for each value that was filled in.
Other shapes are not boxes; a `<tag>` describes the whole image.

The file is read piece by piece. A file with a document type (DOCTYPE) is refused, because only a document type can
define entities or name other files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.parsers import expat

from config.errors import UserError
from config.schema.word_datasets import CvatDataset
from data.readers.exported import ExportBuilder
from data.readers.label_files import integer
from data.readers.listing import label_path, subfolder
from data.readers.outlines import turned_rectangle
from data.readers.word_reader import WordReader

_PIECE = 1 << 20
"""Bytes to read at a time."""
_LONGEST_TAG = 64 << 20
"""Greatest size of one tag, bytes; CVAT writes no larger ones."""
_ENCODINGS = frozenset({"utf-8", "utf-16", "iso-8859-1", "us-ascii"})
"""What expat itself decodes; CVAT writes UTF-8. Of other encodings it would read some wrongly without an error."""
_OTHER_SHAPES = frozenset({"polyline", "points", "ellipse", "cuboid", "mask", "skeleton"})


def open_cvat(config: CvatDataset) -> WordReader:
    """Open XML files of CVAT. Samples come in the order of the files, words in that of the shapes.

    An image that is missing or listed twice is left out with its words, all counted.

    Raises:
        UserError: a folder or file is missing, a file is not of this layout, `select` is no range, or too many words
            are faulty.
    """
    folder = subfolder(config.root, config.images, "images")
    export = ExportBuilder(config, folder, "line")
    attributes: set[str] = set()
    for label in config.labels:
        path = label_path(config.root, label)
        parser = _Parser(path, config, export)
        parser.read()
        attributes |= parser.attributes
    there = f"there are {', '.join(sorted(attributes))}" if attributes else "there are none"
    hint = f"set the dataset's `text_from` to the attribute that holds it ({there})"
    return export.reader(str(folder), hint)


class _Parser:
    """Reads one file.

    Attributes:
        attributes: names of the attributes that shapes have.
    """

    def __init__(self, path: Path, config: CvatDataset, export: ExportBuilder) -> None:
        self._path = path
        self._config = config
        self._export = export
        self.attributes: set[str] = set()
        self._depth = 0
        self._image: tuple[int, dict[str, str]] | None = None
        self._shapes: list[tuple[int, str, dict[str, str], dict[str, str]]] = []
        self._open_shape = False
        self._attribute: str | None = None
        self._text: list[str] = []
        self._expat = expat.ParserCreate()
        self._expat.XmlDeclHandler = self._declaration
        self._expat.StartDoctypeDeclHandler = self._doctype
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters

    def read(self) -> None:
        """Read the file to its end."""
        fed = 0
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_PIECE):
                    fed += len(piece)
                    self._expat.Parse(piece, False)
                    if fed - self._expat.CurrentByteIndex > _LONGEST_TAG:
                        raise self._fault("a tag does not end within 64 MiB; export the file again")
            self._expat.Parse(b"", True)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise UserError(
                f"{self._path} line {error.lineno}: this is no XML ({why}); export it again as 'CVAT for images 1.1'"
            ) from None
        except OSError as error:
            raise UserError(f"{self._path}: this label file cannot be read ({error.strerror})") from None

    def _fault(self, what: str) -> UserError:
        return UserError(f"{self._path} line {self._expat.CurrentLineNumber}: {what}")

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in _ENCODINGS:
            raise self._fault(f"is written in {encoding!r}, which is not read; save it as UTF-8")

    def _doctype(self, *_: Any) -> None:
        raise self._fault("has a document type (DOCTYPE), which no export of CVAT has and which is not read; remove it")

    def _start(self, tag: str, values: dict[str, str]) -> None:
        line = self._expat.CurrentLineNumber
        self._depth += 1
        if self._depth == 1 and tag != "annotations":
            raise self._fault(f"holds <{tag}>, not <annotations> as CVAT writes it; check the dataset's `format`")
        if self._depth == 2 and tag == "track":
            raise self._fault("this is an export for videos; export it again as 'CVAT for images 1.1'")
        if self._depth == 2 and tag == "image":
            self._image = line, values
        elif self._depth == 3 and self._image is not None and tag != "tag":
            self._shapes.append((line, tag, values, {}))
            self._open_shape = True
        elif self._depth == 4 and self._open_shape and tag == "attribute":
            self._attribute = values.get("name", "")
            self._text = []

    def _characters(self, text: str) -> None:
        if self._attribute is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        if self._depth == 4 and self._attribute is not None:
            self.attributes.add(self._attribute)
            self._shapes[-1][3][self._attribute] = "".join(self._text)
            self._attribute = None
        elif self._depth == 3:
            self._open_shape = False
        elif self._depth == 2 and self._image is not None:
            self._end_image(*self._image)
            self._image, self._shapes = None, []
        self._depth -= 1

    def _end_image(self, line: int, values: dict[str, str]) -> None:
        name = self._export.find([values.get("name", "")], len(self._shapes), f"{self._path.name} line {line}")
        if name is None:
            return
        for shape in self._shapes:
            self._shape(*shape)
        height, width = (integer(_number(values.get(key))) for key in ("height", "width"))
        self._export.words.image(name, (height, width))

    def _shape(self, line: int, tag: str, values: dict[str, str], attributes: dict[str, str]) -> None:
        words, source, labels = self._export.words, self._path.name, [values.get("label", "")]
        if not self._export.is_word(labels, f"{source} line {line}"):
            return
        if tag not in ("box", "polygon"):
            words.drop("shape is no box and no polygon", source, line, repr(tag), parsed=tag in _OTHER_SHAPES)
            return
        outline = _box(values) if tag == "box" else _polygon(values.get("points", ""))
        if outline is None:
            words.drop("points are not pairs of numbers", source, line)
            return
        occluded = self._config.ignore_occluded and values.get("occluded") == "1"
        text = attributes.get(self._config.text_from)
        self._export.word(source, line, outline, labels, text, occluded)


def _box(values: dict[str, str]) -> list[float] | None:
    sides = [_number(values.get(key)) for key in ("xtl", "ytl", "xbr", "ybr")]
    degrees = _number(values.get("rotation", "0"))
    if None in sides or degrees is None:
        return None
    left, top, right, bottom = (side for side in sides if side is not None)
    return turned_rectangle(left, top, right - left, bottom - top, degrees, ((left + right) / 2, (top + bottom) / 2))


def _polygon(points: str) -> list[float] | None:
    pairs = [point.split(",") for point in points.split(";")]
    if any(len(pair) != 2 for pair in pairs):
        return None
    coordinates = [_number(value) for pair in pairs for value in pair]
    return None if None in coordinates else [value for value in coordinates if value is not None]


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
