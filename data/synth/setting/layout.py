"""The layout of a block of text: the places of glyphs, and the boxes of characters and words.

CRAFT is trained on the boxes of characters, so a box must contain the ink and be as small as possible, but wide enough
for a score map:

- it is the box of the ink of the glyph's fill (outline and shadow are decoration), extended on each side by `pad`, two
  thirds of a pixel of the scene, for the ink that resampling spreads;
- it is at least as wide as `lines.LEAST_SIDE` of the font size, or as the glyph's advance if that is less, and at least
  as high as `LEAST_SIDE`. This makes i, l, 1, ' wider and -, _, . higher, whose ink alone would be a line of two or
  three pixels, too thin for a Gaussian. The ink stays in the middle.

So at least 98 % of a character's ink lies in its box, and the box is at most 35 % larger than the ink on each axis,
except for one or two characters in a hundred, all of them thin.

A character is a grapheme cluster, drawn in the form that it has in its word. For all directions of script, characters,
boxes and words are in the order of the text, and the corners of a box begin at its top left.

The box of a word is the tight rectangle around the boxes of its characters, in the frame of the block.
Boxes are in pixels of the block's drawing, with pixel centres at whole numbers, so the ink of pixel columns
a..b spans a - 0.5 to b + 0.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

import numpy as np

from data.synth.setting.bidi import runs_left
from data.synth.setting.glyphs import Glyph, GlyphCache
from data.synth.setting.lines import BlockStyle, Placed, hull, is_wide, set_column, set_row
from data.synth.setting.shaping import stays_horizontal

_LINE_GAP = 0.12
"""Least distance between the boxes of two lines or columns, in units of the font size."""


@dataclass(frozen=True)
class Block:
    """The layout of a block; its drawing has `height` x `width` pixels.

    Attributes:
        width, height: size of the drawing, with a margin for outline and shadow.
        glyphs: (glyph, x, y) of each drawn character; x and y are the top left pixel of its mask in the drawing.
        words: the words in reading order.
        text: the words as written: a space between those of a line, a newline between lines.
        char_boxes: float64 [C, 4], left, top, right, bottom, pixels of the drawing.
        char_words: int64 [C], index into `words`.
        word_boxes: float64 [W, 4].
    """

    width: int
    height: int
    glyphs: list[tuple[Glyph, int, int]]
    words: list[str]
    text: str
    char_boxes: np.ndarray
    char_words: np.ndarray
    word_boxes: np.ndarray


def set_block(lines: list[list[str]], style: BlockStyle, cache: GlyphCache) -> Block:
    """Lay out lines of words. Every word must have ink.

    Args:
        lines: words of each line, without spaces.
        style: face, size and spacings.
        cache: source of the glyphs.
    """
    every = [word for words in lines for word in words]
    if style.vertical and not stays_horizontal(every):
        placed = _stack_columns(lines, style, cache)
    else:
        placed = _stack_rows(lines, style, cache, runs_left(every))
    around = hull(placed)
    margin = max(4, round(0.25 * style.size))
    x0, y0 = margin - math.floor(around[0]), margin - math.floor(around[1])
    placed = [character.moved(x0, y0) for character in placed]
    char_words = [character.word for character in placed]
    return Block(
        width=math.ceil(around[2]) + x0 + margin,
        height=math.ceil(around[3]) + y0 + margin,
        glyphs=[(character.glyph, character.x, character.y) for character in placed],
        words=every,
        text="\n".join(" ".join(words) for words in lines),
        char_boxes=np.array([character.box for character in placed]),
        char_words=np.array(char_words),
        # Characters come in the order of the text, and every word has some.
        word_boxes=np.array([hull(characters) for _, characters in groupby(placed, key=attrgetter("word"))]),
    )


def paint(block: Block, only: int | None = None) -> np.ndarray:
    """Return the coverage of the block's fill, uint8 [height, width], or of the character with the index `only`."""
    canvas = np.zeros((block.height, block.width), np.uint8)
    for glyph, x, y in block.glyphs if only is None else block.glyphs[only : only + 1]:
        height, width = glyph.mask.shape
        window = canvas[y : y + height, x : x + width]
        np.maximum(window, glyph.mask, out=window)
    return canvas


def _stack_rows(lines: list[list[str]], style: BlockStyle, cache: GlyphCache, leftwards: bool) -> list[Placed]:
    rows = [set_row(words, style, cache, leftwards) for words in lines]
    hulls = [hull(row) for row in rows]
    widest = max(around[2] - around[0] for around in hulls)
    alignment = 1 - style.alignment if leftwards else style.alignment
    placed: list[Placed] = []
    baseline, lowest, first = 0, -math.inf, 0
    for words, row, around in zip(lines, rows, hulls, strict=True):
        if placed:
            wanted = baseline + style.line_spacing * style.size
            baseline = round(max(wanted, lowest + _LINE_GAP * style.size - around[1]))
        indent = round((widest - (around[2] - around[0])) * alignment - around[0])
        placed += [character.moved(indent, baseline).counted(first) for character in row]
        lowest = baseline + around[3]
        first += len(words)
    return placed


def _stack_columns(lines: list[list[str]], style: BlockStyle, cache: GlyphCache) -> list[Placed]:
    """Lay out each line as a column; columns of full-width characters go from right to left, others to the right."""
    columns = [set_column(words, style, cache) for words in lines]
    hulls = [hull(column) for column in columns]
    tallest = max(around[3] - around[1] for around in hulls)
    wide = [is_wide(character) for words in lines for word in words for character in word]
    way = -1 if 2 * sum(wide) > len(wide) else 1
    placed: list[Placed] = []
    axis, reached, first = 0, -math.inf, 0
    for words, column, around in zip(lines, columns, hulls, strict=True):
        near, far = (around[0], around[2]) if way > 0 else (-around[2], -around[0])
        if placed:
            axis = round(max(axis + style.line_spacing * style.size, reached + _LINE_GAP * style.size - near))
        drop = round((tallest - (around[3] - around[1])) * style.alignment - around[1])
        placed += [character.moved(way * axis, drop).counted(first) for character in column]
        reached = axis + far
        first += len(words)
    return placed


def box_quads(boxes: np.ndarray) -> np.ndarray:
    """Return the corners [N, 4, 2] of boxes [N, 4], clockwise from the top left."""
    return boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float64)
