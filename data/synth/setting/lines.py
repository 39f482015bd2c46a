"""The layout of the words of one line: from left to right, from right to left, or from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from unicodedata import east_asian_width

from data.graphemes import clusters
from data.synth.setting.bidi import order_line
from data.synth.setting.faces import FontFace
from data.synth.setting.glyphs import Glyph, GlyphCache
from data.synth.setting.shaping import contextual_forms, touching

LEAST_SIDE = 0.2
"""Least width and height of a character's box, in units of the font size."""
_WORD_SPACE = 0.3
_WORD_GAP = 0.22
"""Least distance between the boxes of two words of a line, in units of the font size."""
_STEP_GAP = 0.25
"""Distance between capitals of a column, in units of the font size."""
_LEAST_STEP_GAP = 0.04
"""Least distance between the boxes of two characters of a column, in units of the font size."""


@dataclass(frozen=True)
class BlockStyle:
    """The style of a block.

    Attributes:
        face: the font.
        size: drawing size, pixels per em.
        letter_spacing, line_spacing: in units of the font size.
        alignment: 0 aligns the beginnings of lines, which is on the right for right-to-left text, 0.5 the middles, 1
            the ends.
        pad: how far a box reaches beyond the ink on each side, pixels of the drawing.
        vertical: from top to bottom with upright characters. Text whose letters join, or run from right to left, is
            horizontal nevertheless.
    """

    face: FontFace
    size: int
    letter_spacing: float
    line_spacing: float
    alignment: float
    pad: float
    vertical: bool = False


Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


class Placed(NamedTuple):
    """A character during the layout of its line: the corner of its mask, its box, and the index of its word."""

    glyph: Glyph
    x: int
    y: int
    box: Box
    word: int

    def moved(self, x: int, y: int) -> Placed:
        left, top, right, bottom = self.box
        return Placed(self.glyph, self.x + x, self.y + y, (left + x, top + y, right + x, bottom + y), self.word)

    def counted(self, first: int) -> Placed:
        """Return the character with `first`, the index of its line's first word, added to the index of its word."""
        return self._replace(word=self.word + first)


def set_row(words: Sequence[str], style: BlockStyle, cache: GlyphCache, leftwards: bool) -> list[Placed]:
    """Return the characters of a line whose baseline is y = 0, in the order of the text.

    Args:
        words: the words in the order of the text.
        style: face, size and spacings.
        cache: source of the glyphs.
        leftwards: the line runs from right to left.
    """
    split = [clusters(word) for word in words]
    if not leftwards and all(map(str.isascii, words)):
        places, orders, levels = list(range(len(split))), None, None
    else:
        order = order_line(split, leftwards)
        places, orders, levels = order.words, order.clusters, order.levels
    line: dict[int, list[Placed]] = {}
    pen, right = 0.0, -math.inf
    for index in places:
        forms = contextual_forms(split[index])
        placed: dict[int, Placed] = {}
        before = -1
        for place in range(len(forms)) if orders is None else orders[index]:
            level = 0 if levels is None else levels[index][place]
            direction = "left" if level % 2 else "right"
            if before >= 0:
                first, second = forms[min(before, place)], forms[max(before, place)]
                # Neighbours of different directions are not adjacent in the text, so they are not kerned.
                adjacent = abs(before - place) == 1 and (levels is None or levels[index][before] == level)
                kerning = cache.kerning(style.face, first, second, direction) if adjacent else 0.0
                spacing = 0.0 if touching(first, second) else style.letter_spacing
                pen += (kerning + spacing) * style.size
            glyph = cache.glyph(style.face, style.size, forms[place], direction)
            if glyph.mask.size:
                x = round(pen) + glyph.left
                placed[place] = Placed(glyph, x, glyph.top, _box(glyph, x, glyph.top, style), index)
            pen += glyph.advance
            before = place
        left = min(character.box[0] for character in placed.values())
        if left - right < _WORD_GAP * style.size:
            # An overhanging letter must not reach over the space, which separates the words.
            shift = math.ceil(right + _WORD_GAP * style.size - left)
            placed = {place: character.moved(shift, 0) for place, character in placed.items()}
            pen += shift
        right = max(character.box[2] for character in placed.values())
        pen += (_WORD_SPACE + max(0.0, style.letter_spacing)) * style.size
        line[index] = [placed[place] for place in sorted(placed)]
    return [character for index in range(len(words)) for character in line[index]]


def set_column(words: Sequence[str], style: BlockStyle, cache: GlyphCache) -> list[Placed]:
    """Return the characters of a column, from top to bottom about x = 0.

    Full-width characters (those of Chinese, Japanese and Korean) have a distance of one em and are centred by their
    advance. Others have a distance of a little more than the height of a capital and are centred by their ink.
    """
    column: list[Placed] = []
    baseline = lowest = 0.0
    for index, word in enumerate(words):
        gap = _LEAST_STEP_GAP
        if index:
            baseline += (_WORD_SPACE + max(0.0, style.letter_spacing)) * style.size
            gap = _WORD_GAP
        for cluster in clusters(word):
            glyph = cache.glyph(style.face, style.size, cluster, "down")
            if not glyph.mask.size:
                continue
            wide = is_wide(cluster)
            x = glyph.left - round(glyph.advance / 2) if wide else -round(glyph.mask.shape[1] / 2)
            y = round(baseline) + glyph.top
            box = _box(glyph, x, y, style)
            shift = max(0, math.ceil(lowest + gap * style.size - box[1])) if column else 0
            character = Placed(glyph, x, y, box, index).moved(0, shift)
            column.append(character)
            step = 1.0 if wide else style.face.cap_height + _STEP_GAP
            baseline += shift + (step + style.letter_spacing) * style.size
            lowest = character.box[3]
            gap = _LEAST_STEP_GAP
    return column


@lru_cache(maxsize=16384)
def is_wide(cluster: str) -> bool:
    """Return whether a cluster fills the square of an ideograph."""
    return east_asian_width(cluster[0]) in "WF"


def hull(characters: Iterable[Placed]) -> Box:
    """Return the tight box around the boxes of characters."""
    lefts, tops, rights, bottoms = zip(*(character.box for character in characters), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _box(glyph: Glyph, x: int, y: int, style: BlockStyle) -> Box:
    height, width = glyph.mask.shape
    least = LEAST_SIDE * style.size
    grow_x = max(2 * style.pad, min(least, glyph.advance) - width) / 2
    grow_y = max(2 * style.pad, least - height) / 2
    return x - 0.5 - grow_x, y - 0.5 - grow_y, x + width - 0.5 + grow_x, y + height - 0.5 + grow_y
