"""Setting a block of text: which glyph stands where, and the boxes of characters and words.

The box of a character is what CRAFT learns from, so it must hold the ink and be no larger than needed, yet
have a width that a score map can show. Chosen here:

- vertically and horizontally the ink of the glyph's fill (outline and shadow are decoration), and `pad` on each side
  for the ink that resampling spreads, two thirds of a pixel of the scene;
- but never narrower than `LEAST_SIDE` of the font size or, across, than the glyph's own advance if that is
  less, and never lower than `LEAST_SIDE`. This widens i, l, 1, ' and raises -, _, ., whose ink alone would be a
  line of two or three pixels that no Gaussian can be drawn into. The ink stays in the middle.

So at least 98 % of a character's ink lies in its box, and the box is at most 35 % larger than the ink on either
axis, but for one or two characters in a hundred, all of them thin.

The box of a word is the tight rectangle around the boxes of its characters, in the frame of the block.
Boxes are in pixels of the block's own drawing with pixel centres at whole numbers, so the ink of pixel columns
a..b spans a - 0.5 to b + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.synth.fonts import FontFace
from data.synth.glyphs import Glyph, GlyphCache

LEAST_SIDE = 0.2
"""Least width and height of a character's box, in units of the font size."""
_WORD_SPACE = 0.3
_WORD_GAP = 0.22
"""Least distance between the boxes of two words of a line, in units of the font size."""
_LINE_GAP = 0.12
"""Least distance between the boxes of two lines, likewise."""


@dataclass(frozen=True)
class BlockStyle:
    """How a block is set.

    Attributes:
        face: the font.
        size: drawing size, pixels per em.
        letter_spacing, line_spacing: in units of the font size.
        alignment: 0 left, 0.5 centred, 1 right.
        pad: how far a box reaches beyond the ink on each side, pixels of the drawing.
    """

    face: FontFace
    size: int
    letter_spacing: float
    line_spacing: float
    alignment: float
    pad: float


@dataclass(frozen=True)
class Block:
    """A block set in its own frame, whose drawing is `height` x `width` pixels.

    Attributes:
        width, height: size of the drawing; its margin leaves room for outline and shadow.
        glyphs: (glyph, x, y) of each drawn character: the mask's corner in the drawing.
        words: the words in reading order.
        text: the words as written: a space between those of a line, a newline between lines.
        char_boxes: float64 [C, 4], left, top, right, bottom.
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
    """Set lines of words. Every word must have ink.

    Args:
        lines: words of each line, without spaces.
        style: face, size and spacings.
        cache: source of the glyphs.
    """
    set_lines = [_set_line(words, style, cache) for words in lines]
    hulls = [_hull(np.array([one.box for one in line])) for line in set_lines]
    widest = max(hull[2] - hull[0] for hull in hulls)
    firsts = np.cumsum([0] + [len(words) for words in lines])
    placed: list[_Placed] = []
    baseline, lowest = 0, -np.inf
    for line, hull, first in zip(set_lines, hulls, firsts, strict=False):
        if placed:
            wanted = baseline + style.line_spacing * style.size
            baseline = round(max(wanted, lowest + _LINE_GAP * style.size - hull[1]))
        indent = round((widest - (hull[2] - hull[0])) * style.alignment - hull[0])
        placed += [replace(one.moved(indent, baseline), word=one.word + int(first)) for one in line]
        lowest = baseline + hull[3]
    hull = _hull(np.array([one.box for one in placed]))
    margin = max(4, round(0.25 * style.size))
    x0, y0 = margin - int(np.floor(hull[0])), margin - int(np.floor(hull[1]))
    placed = [one.moved(x0, y0) for one in placed]
    char_boxes = np.array([one.box for one in placed])
    char_words = np.array([one.word for one in placed])
    return Block(
        width=int(np.ceil(hull[2])) + x0 + margin,
        height=int(np.ceil(hull[3])) + y0 + margin,
        glyphs=[(one.glyph, one.x, one.y) for one in placed],
        words=[word for words in lines for word in words],
        text="\n".join(" ".join(words) for words in lines),
        char_boxes=char_boxes,
        char_words=char_words,
        word_boxes=np.array([_hull(char_boxes[char_words == word]) for word in range(firsts[-1])]),
    )


def paint(block: Block, only: int | None = None) -> np.ndarray:
    """Return the coverage of the block's fill, uint8 [height, width]; of one character alone if `only` is given."""
    canvas = np.zeros((block.height, block.width), np.uint8)
    for glyph, x, y in block.glyphs if only is None else block.glyphs[only : only + 1]:
        height, width = glyph.mask.shape
        window = canvas[y : y + height, x : x + width]
        np.maximum(window, glyph.mask, out=window)
    return canvas


@dataclass(frozen=True)
class _Placed:
    """A character while its line is being set: corner of its mask, its box, and the number of its word."""

    glyph: Glyph
    x: int
    y: int
    box: np.ndarray
    word: int

    def moved(self, x: int, y: int) -> _Placed:
        return replace(self, x=self.x + x, y=self.y + y, box=self.box + np.array([x, y, x, y]))


def _set_line(words: list[str], style: BlockStyle, cache: GlyphCache) -> list[_Placed]:
    """Return the characters of a line whose baseline is y = 0."""
    line: list[_Placed] = []
    pen, right = 0.0, -np.inf
    for index, word in enumerate(words):
        placed: list[_Placed] = []
        before = ""
        for character in word:
            if before:
                pen += (cache.kerning(style.face, before + character) + style.letter_spacing) * style.size
            glyph = cache.glyph(style.face, style.size, character)
            if glyph.mask.size:
                x = round(pen) + glyph.left
                placed.append(_Placed(glyph, x, glyph.top, _box(glyph, x, style), index))
            pen += glyph.advance
            before = character
        left = min(one.box[0] for one in placed)
        if left - right < _WORD_GAP * style.size:
            # An overhanging letter must not lean over the space: words are told apart by it.
            shift = int(np.ceil(right + _WORD_GAP * style.size - left))
            placed = [one.moved(shift, 0) for one in placed]
            pen += shift
        right = max(one.box[2] for one in placed)
        pen += (_WORD_SPACE + max(0.0, style.letter_spacing)) * style.size
        line += placed
    return line


def _box(glyph: Glyph, x: int, style: BlockStyle) -> np.ndarray:
    height, width = glyph.mask.shape
    least = LEAST_SIDE * style.size
    grow_x = max(2 * style.pad, min(least, glyph.advance) - width) / 2
    grow_y = max(2 * style.pad, least - height) / 2
    return np.array(
        [x - 0.5 - grow_x, glyph.top - 0.5 - grow_y, x + width - 0.5 + grow_x, glyph.top + height - 0.5 + grow_y]
    )


def _hull(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def box_quads(boxes: np.ndarray) -> np.ndarray:
    """Return the corners [N, 4, 2] of boxes [N, 4], from the top left in reading order."""
    return boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float64)
