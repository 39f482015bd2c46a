"""The faces of a font file: testing, weights, and opening.

A face can be used if both fontTools (for the tables) and FreeType through Pillow (for drawing) open it, and it has a
glyph with ink for every character of the alphabet.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from config.optional import optional_package
from config.schema.generation import FontSettings
from data.synth.setting.shaping import is_invisible

if TYPE_CHECKING:
    from fontTools.ttLib import TTFont

SUFFIXES = {".ttf", ".otf", ".ttc", ".otc"}
_TELLING = "aegr"
"""Lower-case letters that look nothing like their capitals."""
_WEIGHT_STEPS = 4
"""Number of weights at which a variable font is used, evenly spaced over the range of the settings."""
_PROOF_SIZE = 20
"""Pixels per em at which every character is drawn once as a test."""


def damage() -> tuple[type[Exception], ...]:
    """Return the exceptions that fontTools and Pillow raise on damaged files and on renamed web fonts.

    Damaged files cause many kinds of errors, and web fonts need packages that may not be installed.
    """
    return (
        *(_tables().TTLibError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError),
        *(EOFError, OverflowError, MemoryError, NotImplementedError, ImportError, struct.error, zlib.error),
    )


@dataclass(frozen=True)
class FontFace:
    """One drawable style of a family.

    Attributes:
        path: font file.
        index: index of the face within a collection, else 0.
        axes: value of each variation axis in the file's order; empty for a static font.
        weight: 100 to 900.
        italic: slanted or not.
        cap_height: height of a capital, in units of the font size.
        capitals_only: lower-case letters look like capitals, so labels must be in capitals.
    """

    path: str
    index: int
    axes: tuple[float, ...]
    weight: float
    italic: bool
    cap_height: float
    capitals_only: bool

    def __hash__(self) -> int:
        """Return a fast hash, because faces are looked up for every character; path and axes distinguish most faces."""
        return hash((self.path, self.axes))

    def shown(self, word: str) -> str:
        """Return the word as the face draws it: in capitals if the face has only capitals.

        A letter whose capital is two letters ("ß") is kept, because it is drawn as one glyph.
        """
        if not self.capitals_only:
            return word
        return "".join(letter.upper() if len(letter.upper()) == 1 else letter for letter in word)


@lru_cache(maxsize=1024)
def open_face(face: FontFace, size: int) -> ImageFont.FreeTypeFont:
    """Return the face at `size` pixels per em; it is cached, because opening takes longer than drawing a word."""
    font = ImageFont.truetype(face.path, size, index=face.index)
    if face.axes:
        font.set_variation_by_axes(list(face.axes))
    # FreeType measures the first text after a change of the axes a little differently from all later ones. A scene must
    # not depend on the word that its process drew first.
    font.getlength("x")
    return font


@dataclass(frozen=True)
class FaceReading:
    """The result of reading a face of a file.

    Attributes:
        family: name.
        faces: its styles, one for each weight of a variable font; empty if characters are missing.
        missing: characters of the alphabet without a glyph, or whose glyph has no ink.
    """

    family: str
    faces: list[FontFace]
    missing: list[str]


def read_faces(path: Path, settings: FontSettings, alphabet: str) -> list[FaceReading]:
    """Read the faces of a font file.

    Raises:
        Exception: one of `damage()`: the file is not a font, or is damaged.
        UserError: fontTools is not installed.
    """
    if path.suffix.lower() in (".ttc", ".otc"):
        with _tables().TTCollection(path, lazy=True) as collection:
            return [_read_face(path, index, font, settings, alphabet) for index, font in enumerate(collection.fonts)]
    with _tables().TTFont(path, lazy=True) as font:
        return [_read_face(path, 0, font, settings, alphabet)]


def _tables() -> ModuleType:
    return optional_package("fontTools.ttLib", "generate", "drawing text")


def _read_face(path: Path, index: int, font: TTFont, settings: FontSettings, alphabet: str) -> FaceReading:
    family = font["name"].getBestFamilyName() or path.stem
    cmap = font.getBestCmap() or {}
    needed = [character for character in alphabet if not is_invisible(character)]
    missing = [character for character in needed if ord(character) not in cmap]
    if missing:
        return FaceReading(family, [], missing)
    # Character by character, without a text engine. A glyph without ink has no height.
    proof = ImageFont.truetype(str(path), _PROOF_SIZE, index=index, layout_engine=ImageFont.Layout.BASIC)
    boxes = {character: proof.getbbox(character, anchor="ls") for character in needed}
    blank = [character for character, (_, top, _, bottom) in boxes.items() if top >= bottom]
    if blank:
        return FaceReading(family, [], blank)
    os2 = font["OS/2"]
    italic = bool(os2.fsSelection & 1) or "italic" in path.stem.lower()
    drawn = ImageFont.truetype(str(path), 100, index=index)
    cap_height = _ink_height(drawn, "H") / 100 if ord("H") in cmap else 0.0
    if not 0.3 <= cap_height <= 1.2:
        cap_height = 0.7
    capitals_only = all(ord(case) in cmap for letter in _TELLING for case in (letter, letter.upper())) and all(
        _alike(drawn, letter, letter.upper()) for letter in _TELLING
    )
    faces = []
    for axes, weight in _variations(font, settings.weight):
        if axes:
            proof.set_variation_by_axes(list(axes))
            proof.getmask(alphabet[:4])
        faces.append(FontFace(str(path), index, axes, weight, italic, cap_height, capitals_only))
    return FaceReading(family, faces, [])


def _ink_height(font: ImageFont.FreeTypeFont, character: str) -> float:
    _, top, _, bottom = font.getbbox(character, anchor="ls")
    return bottom - top


def _alike(font: ImageFont.FreeTypeFont, first: str, second: str) -> bool:
    """Return whether two glyphs have the same shape, perhaps at two sizes, as small capitals have.

    Both are resized to one size and correlated: above 0.98 in such fonts; in other fonts some letter is below 0.3.
    """
    shapes = []
    for character in (first, second):
        image = Image.new("L", (300, 300))
        ImageDraw.Draw(image).text((100, 200), character, font=font, fill=255, anchor="ls")
        box = image.getbbox()
        if box is None:
            return False
        shapes.append(np.asarray(image.resize((32, 32), Image.Resampling.BOX, box), np.float32).ravel())
    return float(np.asarray(np.corrcoef(shapes))[0, 1]) > 0.8


def _variations(font: TTFont, wanted: list[int]) -> list[tuple[tuple[float, ...], float]]:
    """Return the axis values and weight of each style to use: all axes except the weight at their defaults."""
    if "fvar" not in font:
        return [((), float(font["OS/2"].usWeightClass))]
    axes = font["fvar"].axes
    weight = next((axis for axis in axes if axis.axisTag == "wght"), None)
    if weight is None:
        return [(tuple(axis.defaultValue for axis in axes), float(font["OS/2"].usWeightClass))]
    low, high = max(weight.minValue, wanted[0]), min(weight.maxValue, wanted[1])
    if low > high:
        steps = {min(max(wanted[0], weight.minValue), weight.maxValue)}
    else:
        steps = {round(low + (high - low) * step / (_WEIGHT_STEPS - 1)) for step in range(_WEIGHT_STEPS)}
    return [
        (tuple(float(value) if axis is weight else axis.defaultValue for axis in axes), float(value))
        for value in sorted(steps)
    ]
