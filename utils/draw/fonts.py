"""Fonts to write readings with, whatever their script; what no installed font has is written as its code point."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

FIRST = "open_sans"
"""The family that is asked first: Latin, Greek, Cyrillic and Hebrew."""


def legible(text: str, size: int) -> tuple[str, Font]:
    """Return a text as it can be drawn, and a font that has all of its characters.

    ASCII is drawn in Pillow's own font, other text in the first installed family of PyPI's `fontpkg-*` that has all of
    it: those of requirements.txt, and any other, such as `fontpkg-noto-sans-arabic`. Where none has all of it, Open
    Sans is taken, if it is installed, and a character that cannot be drawn is written as `\\uXXXX`.

    Args:
        text: any text.
        size: of the letters, pixels.
    """
    if text.isascii():
        return text, _font(None, size)
    path = _path_for(frozenset(text))
    held = _characters(path) if path is not None else frozenset(map(ord, filter(str.isascii, text)))
    return "".join(one if ord(one) in held else code_point(one) for one in text), _font(path, size)


def code_point(character: str) -> str:
    """Return `\\uXXXX`, or `\\UXXXXXXXX` where four digits do not do, as Python and JSON write a character."""
    number = ord(character)
    return f"\\u{number:04X}" if number < 0x10000 else f"\\U{number:08X}"


@functools.lru_cache(1024)
def _path_for(characters: frozenset[str]) -> Path | None:
    """Return the first font that has all of some characters, else the first one of all, if there is any."""
    wanted = {ord(one) for one in characters}
    first = None
    for path in _fonts():
        first = first or path
        if wanted <= _characters(path):
            return path
    return first


def _fonts() -> Iterator[Path]:
    """Yield one upright font of each installed family; none without fontTools, which tells what a font can write."""
    if importlib.util.find_spec("fontTools") is None:
        return
    families = sorted(entry_points(group="fontpkg.family"), key=lambda point: (point.name != FIRST, point.name))
    for family in families:
        path = _file_of(family)
        if path is not None:
            yield path


@functools.cache
def _file_of(family: EntryPoint) -> Path | None:
    files = sorted((Path(family.load().__file__).parent / "files").glob("*.[to]tf"))
    return next((path for path in files if "italic" not in path.name.lower()), None)


@functools.cache
def _characters(path: Path) -> frozenset[int]:
    from fontTools.ttLib import TTFont  # of the extra `generate`

    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap())


@functools.lru_cache(256)
def _font(path: Path | None, size: int) -> Font:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)
