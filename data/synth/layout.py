"""Setting a block of text: which glyph stands where, and the boxes of characters and words.

The box of a character is what CRAFT learns from, so it must hold the ink and be no larger than needed, yet
have a width that a score map can show. Chosen here:

- vertically and horizontally the ink of the glyph's fill (outline and shadow are decoration);
- but never narrower than `LEAST_SIDE` of the font size or, across, than the glyph's own advance if that is
  less, and never lower than `LEAST_SIDE`. This widens i, l, 1, ' and raises -, _, ., whose ink alone would be a
  line of two or three pixels that no Gaussian can be drawn into. The ink stays in the middle.

The box of a word is the tight rectangle around the boxes of its characters, in the frame of the block.
Boxes are in pixels of the block's own drawing with pixel centres at whole numbers, so the ink of pixel columns
a..b spans a - 0.5 to b + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """How a block is set: face, drawing size (pixels per em), spacings (em), and alignment (0 left .. 1 right)."""

    face: FontFace
    size: int
    letter_spacing: float
    line_spacing: float
    alignment: float


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
    widths = [max(box[2] for _, _, _, box, _ in line) - min(box[0] for _, _, _, box, _ in line) for line in set_lines]
    widest = max(widths)
    margin = max(4, round(0.25 * style.size))
    glyphs: list[tuple[Glyph, int, int]] = []
    boxes: list[np.ndarray] = []
    char_words: list[int] = []
    first_word, baseline, lowest = 0, 0, None
    for line, words, width in zip(set_lines, lines, widths, strict=True):
        left = min(box[0] for _, _, _, box, _ in line)
        top = min(box[1] for _, _, _, box, _ in line)
        if lowest is not None:
            wanted = baseline + style.line_spacing * style.size
            baseline = round(max(wanted, lowest + _LINE_GAP * style.size - top))
        shift = round((widest - width) * style.alignment - left)
        for glyph, x, y, box, word in line:
            glyphs.append((glyph, x + shift, y + baseline))
            boxes.append(box + (shift, baseline, shift, baseline))
            char_words.append(first_word + word)
        lowest = baseline + max(box[3] for _, _, _, box, _ in line)
        first_word += len(words)
    char_boxes, char_index = np.array(boxes), np.array(char_words)
    x0, y0 = (margin - int(np.floor(char_boxes[:, axis].min())) for axis in (0, 1))
    char_boxes += (x0, y0, x0, y0)
    word_boxes = np.array([_hull(char_boxes[char_index == word]) for word in range(first_word)])
    return Block(
        width=int(np.ceil(char_boxes[:, 2].max())) + margin,
        height=int(np.ceil(char_boxes[:, 3].max())) + margin,
        glyphs=[(glyph, x + x0, y + y0) for glyph, x, y in glyphs],
        words=[word for words in lines for word in words],
        text="\n".join(" ".join(words) for words in lines),
        char_boxes=char_boxes,
        char_words=char_index,
        word_boxes=word_boxes,
    )


def paint(block: Block, only: int | None = None) -> np.ndarray:
    """Return the coverage of the block's fill, uint8 [height, width]; of one character alone if `only` is given."""
    canvas = np.zeros((block.height, block.width), np.uint8)
    for glyph, x, y in block.glyphs if only is None else block.glyphs[only : only + 1]:
        height, width = glyph.mask.shape
        window = canvas[y : y + height, x : x + width]
        np.maximum(window, glyph.mask, out=window)
    return canvas


def _set_line(
    words: list[str], style: BlockStyle, cache: GlyphCache
) -> list[tuple[Glyph, int, int, np.ndarray, int]]:
    """Return (glyph, x, y, box, index of its word) for each character; the baseline is y = 0."""
    placed = []
    pen, right = 0.0, None
    for index, word in enumerate(words):
        start = len(placed)
        before = ""
        for character in word:
            if before:
                pen += (cache.kerning(style.face, before + character) + style.letter_spacing) * style.size
            glyph = cache.glyph(style.face, style.size, character)
            if glyph.mask.size:
                x = round(pen) + glyph.left
                placed.append([glyph, x, glyph.top, _box(glyph, x, style.size), index])
            pen += glyph.advance
            before = character
        left = min(box[0] for _, _, _, box, _ in placed[start:])
        if right is not None and left - right < _WORD_GAP * style.size:
            # An overhanging letter must not lean over the space: words are told apart by it.
            shift = int(np.ceil(right + _WORD_GAP * style.size - left))
            for entry in placed[start:]:
                entry[1] += shift
                entry[3] = entry[3] + (shift, 0, shift, 0)
            pen += shift
        right = max(box[2] for _, _, _, box, _ in placed[start:])
        pen += _WORD_SPACE * style.size + max(0.0, style.letter_spacing) * style.size
    return [tuple(entry) for entry in placed]


def _box(glyph: Glyph, x: int, size: int) -> np.ndarray:
    height, width = glyph.mask.shape
    grow_x = max(0.0, min(LEAST_SIDE * size, glyph.advance) - width) / 2
    grow_y = max(0.0, LEAST_SIDE * size - height) / 2
    return np.array(
        [x - 0.5 - grow_x, glyph.top - 0.5 - grow_y, x + width - 0.5 + grow_x, glyph.top + height - 0.5 + grow_y]
    )


def _hull(boxes: np.ndarray) -> np.ndarray:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def box_quads(boxes: np.ndarray) -> np.ndarray:
    """Return the corners [N, 4, 2] of boxes [N, 4], from the top left in reading order."""
    return boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]].astype(np.float64)
