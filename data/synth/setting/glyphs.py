"""Glyph bitmaps and advances, cached per process.

Glyphs are drawn only at a few sizes, each the square root of 2 times the one before, and scaled to their size in the
scene by the matrix that also rotates them. So the cache is small, and a glyph is resampled exactly once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from PIL import Image

from data.synth.setting.faces import FontFace, open_face
from data.synth.setting.shaping import APART, HEH, ROUND_HEH, has_raqm, needs_shaping, pair_text

Direction = Literal["right", "left", "down"]
"""Direction of a glyph's line. Brackets are mirrored in text that runs left; for columns the font may have another form
of a mark."""

_SIZES = tuple(round(16 * 2 ** (step / 2)) for step in range(11))
"""Pixels per em at which glyphs are drawn: 16, 23, 32, ... 512."""
_CACHE_BYTES = 96 * 2**20
_KERNING_SIZE = 64
_MAX_LENGTHS = 100_000
_MOST_KERNING = 0.15
"""Greatest kerning of letters that combine or join, in units of the em."""
_NO_LIGATURES = ["-liga", "-clig", "-dlig", "-calt"]


@dataclass(frozen=True)
class Glyph:
    """A drawn cluster.

    Attributes:
        mask: uint8 [h, w], coverage, cut to its ink; [0, 0] for a glyph without ink.
        left, top: pixel of the mask's corner relative to the pen on the baseline, y down.
        advance: how far the pen moves, pixels.
    """

    mask: np.ndarray
    left: int
    top: int
    advance: float


def drawing_size(em: float) -> int:
    """Return the smallest size of the grid that is not below `em` pixels, or the largest one."""
    return next((size for size in _SIZES if size >= em), _SIZES[-1])


class GlyphCache:
    """Draws glyphs and caches them; when the cache is full, the least recently used are dropped.

    Each cluster (the unit of the labels) is drawn alone, with pair kerning. Ligatures and contextual forms of several
    clusters are off, because their parts have no boxes. Joined letters are drawn in the forms of `shaping`.
    """

    def __init__(self, max_bytes: int = _CACHE_BYTES) -> None:
        self._glyphs: OrderedDict[tuple[FontFace, int, str, Direction], Glyph] = OrderedDict()
        self._kerning: dict[tuple[FontFace, str, str, Direction], float] = {}
        self._lengths: dict[tuple[FontFace, str, Direction], float] = {}
        self._bytes = 0
        self._max_bytes = max_bytes
        self._raqm = has_raqm()

    def glyph(self, face: FontFace, size: int, form: str, direction: Direction = "right") -> Glyph:
        """Return a cluster, in the form of `shaping.contextual_forms`, drawn at `size` pixels per em."""
        key = (face, size, form, direction)
        glyph = self._glyphs.get(key)
        if glyph is not None:
            self._glyphs.move_to_end(key)
            return glyph
        glyph = _draw(face, size, form, self._options(direction))
        self._glyphs[key] = glyph
        self._bytes += glyph.mask.nbytes + 200
        while self._bytes > self._max_bytes and len(self._glyphs) > 1:
            _, old = self._glyphs.popitem(last=False)
            self._bytes -= old.mask.nbytes + 200
        return glyph

    def kerning(self, face: FontFace, first: str, second: str, direction: Direction = "right") -> float:
        """Return by how much the gap between two neighbouring forms changes, in units of the em (mostly <= 0).

        `first` comes first in the text: in text that runs left it stands to the right of `second`.
        """
        key = (face, first, second, direction)
        if key not in self._kerning:
            alone = self._length(face, first, direction) + self._length(face, second, direction)
            together = self._length(face, pair_text(first, second), direction)
            kerning = (together - alone) / _KERNING_SIZE
            if abs(kerning) > _MOST_KERNING and any(map(needs_shaping, first + second)):
                # The font draws other shapes for the pair, such as a ligature, so the lengths cannot be compared.
                kerning = 0.0
            self._kerning[key] = kerning
        return self._kerning[key]

    def _length(self, face: FontFace, text: str, direction: Direction) -> float:
        key = (face, text, direction)
        if key not in self._lengths:
            if len(self._lengths) > _MAX_LENGTHS:
                self._lengths.clear()
                self._kerning.clear()
            # Without raqm Pillow knows neither ligatures nor the argument that turns them off.
            features = _NO_LIGATURES if self._raqm else None
            run = "rtl" if direction == "left" else None
            text = _drawn_text(face, text)
            self._lengths[key] = open_face(face, _KERNING_SIZE).getlength(text, direction=run, features=features)
        return self._lengths[key]

    def _options(self, direction: Direction) -> dict[str, object]:
        if direction == "left":
            return {"direction": "rtl"}
        return {"features": ["vert"]} if direction == "down" and self._raqm else {}


def _draw(face: FontFace, size: int, form: str, options: dict[str, object]) -> Glyph:
    font = open_face(face, size)
    form = _drawn_text(face, form)
    # Pillow's box is not the ink's: hinting and italics reach elsewhere. The mask holds all that is drawn, and asking
    # for nothing but it spares laying out and hinting the form twice more.
    mask, (left, top) = font.getmask2(form, "L", anchor="ls", **options)
    image = Image.new("L", mask.size)
    image.im.paste(mask, (0, 0, *mask.size))
    advance, ink = font.getlength(form, **options), image.getbbox()
    if ink is None:
        return Glyph(np.zeros((0, 0), np.uint8), 0, 0, advance)
    return Glyph(np.array(image.crop(ink)), int(left) + ink[0], int(top) + ink[1], advance)


def _drawn_text(face: FontFace, form: str) -> str:
    """Return the text that the font draws for a form: the round heh if the font has one."""
    if APART + HEH not in form:
        return form
    return form.replace(APART + HEH, ROUND_HEH if _has_glyph(face, ROUND_HEH) else HEH)


@lru_cache(maxsize=4096)
def _has_glyph(face: FontFace, character: str) -> bool:
    """Return whether a font draws a character differently from a character that no font has."""
    font = open_face(face, _KERNING_SIZE)
    return bytes(font.getmask(character)) != bytes(font.getmask("\U0010fffd"))
