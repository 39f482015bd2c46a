"""Glyph bitmaps and advances, cached per process.

Glyphs are drawn at a few sizes only, half an octave apart, and brought to the size a scene asks for by the one
matrix that also rotates them. So the cache is small, and a glyph is resampled exactly once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from PIL.features import check

from data.synth.fonts import FontFace, open_face

_SIZES = tuple(round(16 * 2 ** (step / 2)) for step in range(11))
"""Pixels per em at which glyphs are drawn: 16, 23, 32, ... 512."""
_CACHE_BYTES = 96 * 2**20
_KERNING_SIZE = 64
_MAX_LENGTHS = 100_000
_NO_LIGATURES = ["-liga", "-clig", "-dlig", "-calt"]


@dataclass(frozen=True)
class Glyph:
    """A drawn character.

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
    """Draws glyphs and keeps them, least recently used first out once they fill the memory allowed.

    Layout is one character at a time (the unit of the labels) with pair kerning; ligatures and contextual
    forms, whose parts could not be boxed, are off.
    """

    def __init__(self, max_bytes: int = _CACHE_BYTES) -> None:
        self._glyphs: OrderedDict[tuple[FontFace, int, str], Glyph] = OrderedDict()
        self._kerning: dict[tuple[FontFace, str], float] = {}
        self._lengths: dict[tuple[FontFace, str], float] = {}
        self._bytes = 0
        self._max_bytes = max_bytes
        self._raqm = check("raqm")

    def glyph(self, face: FontFace, size: int, character: str) -> Glyph:
        """Return the character drawn at `size` pixels per em."""
        key = (face, size, character)
        glyph = self._glyphs.get(key)
        if glyph is not None:
            self._glyphs.move_to_end(key)
            return glyph
        glyph = _draw(face, size, character)
        self._glyphs[key] = glyph
        self._bytes += glyph.mask.nbytes + 200
        while self._bytes > self._max_bytes and len(self._glyphs) > 1:
            _, old = self._glyphs.popitem(last=False)
            self._bytes -= old.mask.nbytes + 200
        return glyph

    def kerning(self, face: FontFace, pair: str) -> float:
        """Return by how much the second character of `pair` moves towards the first, in units of the em (<= 0)."""
        key = (face, pair)
        if key not in self._kerning:
            alone = [self._length(face, character) for character in pair]
            self._kerning[key] = (self._length(face, pair) - sum(alone)) / _KERNING_SIZE
        return self._kerning[key]

    def _length(self, face: FontFace, text: str) -> float:
        key = (face, text)
        if key not in self._lengths:
            if len(self._lengths) > _MAX_LENGTHS:
                self._lengths.clear()
                self._kerning.clear()
            # Without raqm Pillow knows neither ligatures nor the argument that turns them off.
            features = _NO_LIGATURES if self._raqm else None
            self._lengths[key] = open_face(face, _KERNING_SIZE).getlength(text, features=features)
        return self._lengths[key]


def _draw(face: FontFace, size: int, character: str) -> Glyph:
    font = open_face(face, size)
    left, top, right, bottom = font.getbbox(character, anchor="ls")
    # Hinting and italics reach past the box that Pillow gives; the ink is found in the drawing itself.
    pad = 2 + size // 8
    width, height = int(right - left) + 2 * pad, int(bottom - top) + 2 * pad
    image = Image.new("L", (width, height))
    ImageDraw.Draw(image).text((pad - left, pad - top), character, font=font, fill=255, anchor="ls")
    drawing = np.asarray(image)
    rows, columns = np.flatnonzero(drawing.any(axis=1)), np.flatnonzero(drawing.any(axis=0))
    advance = font.getlength(character)
    if not len(rows):
        return Glyph(np.zeros((0, 0), np.uint8), 0, 0, advance)
    mask = drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    return Glyph(mask, int(columns[0] - pad + left), int(rows[0] - pad + top), advance)
