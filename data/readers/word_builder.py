"""Collects the words of a dataset, whatever its format, and checks their geometry.

All formats treat unusual geometry alike:

- Dropped and counted: coordinates that are not finite or beyond a million pixels; outlines with fewer than three points
  or almost without area.
- Put in order and counted: quads whose sides cross, outlines that run counter-clockwise.
- Kept as they are and counted: polygons whose sides cross, words wholly outside the image.
- Kept as they are: words partly outside the image. They are not clipped: a clipped quad would no longer be the outline
  of its text, and an evaluation has to count the words of the ground truth.
- Character boxes are kept only if every character of the word has a usable box; otherwise the word is kept without
  them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from data.graphemes import nfc
from data.reader import DropReport
from data.readers.outlines import clockwise_outline, outline_area, outline_crosses, reading_rectangle
from data.readers.quads import FAULTS, OUTSIDE, clockwise, quad_faults, sides_cross, signed_area
from data.readers.word_table import Texts, WordTable
from data.readers.words import count_characters

LIMIT = 1e6
"""Greatest coordinate in pixels: no image is that large, and sums of squares stay exact enough."""

CROSSED = "word: sides crossed, corners put in order"
_TOO_LARGE = "a coordinate is beyond a million pixels"


class WordBuilder:
    """Collects images and their words in order; `table` returns them as columns.

    Args:
        report: where everything is counted.
        do_not_care: transcriptions of words that are neither text nor background.
        unit: name of an item of a label file, such as "line", for messages.
    """

    def __init__(self, report: DropReport, do_not_care: Collection[str], unit: str = "line") -> None:
        self.report = report
        self._do_not_care = frozenset(do_not_care)
        self._unit = unit
        self._names: list[str] = []
        self._sizes: list[tuple[int, int]] = []
        self._word_ends: list[int] = []
        self._sources: list[str] = []
        self._items: list[int | str] = []
        self._words: list[str] = []
        self._ignore: list[bool] = []
        self._coordinates: list[float] = []
        self._ends: list[int] = []
        self._chars: list[float] = []
        self._char_ends: list[int] = []

    def word(
        self,
        source: str,
        item: int | str,
        coordinates: Sequence[float],
        text: str,
        ignore: bool = False,
        chars: Sequence[Sequence[float]] = (),
    ) -> None:
        """Add a word of the image that the next call of `image` names.

        Args:
            source: name of the label file.
            item: number of the line, or another identifier of the word in that file.
            coordinates: x and y of the outline's points in turn, an even number of values, in pixels.
            text: transcription; stripped and put into NFC here.
            ignore: the word is "don't care", whatever its text is.
            chars: x and y of four corners for each character other than white space, in reading order.
        """
        written, text = text, nfc(text.strip())
        try:
            text.encode()
        except UnicodeEncodeError:
            self.drop("text is not valid Unicode", source, item)
            return
        if len(coordinates) < 6:
            self.drop("outline of fewer than three points", source, item, parsed=True)
            return
        ignore = ignore or text in self._do_not_care
        if chars and not ignore:
            if count_characters(written.split(), len(chars)) is None:
                reason = "char: boxes and characters of the word differ in number"
                place = f"{self._place(source, item)}: {len(chars)} boxes for {text!r}"
                self.report.drop(reason, place, len(chars))
            else:
                for corners in chars:
                    self._chars += corners
        self._char_ends.append(len(self._chars) // 8)
        self._sources.append(source)
        self._items.append(item)
        self._words.append(text)
        self._ignore.append(ignore)
        self._coordinates += coordinates
        self._ends.append(len(self._coordinates) // 2)

    def drop(self, reason: str, source: str, item: int | str, detail: str = "", *, parsed: bool = False) -> None:
        """Count a word that cannot be used; `parsed` if its form is right and only its content makes no sense."""
        place = self._place(source, item)
        self.report.drop(f"word: {reason}", f"{place}: {detail}" if detail else place, unparsed=not parsed)

    def image(self, name: str, size: tuple[int, int] = (0, 0)) -> None:
        """End an image: it has the words added since the previous call.

        Args:
            name: its path below the folder of images.
            size: height and width that the labels were made for, zeros if unknown.
        """
        self._names.append(name)
        self._sizes.append(size)
        self._word_ends.append(len(self._words))

    def table(self) -> WordTable:
        """Check all words and return the columns; the report counts what is in them."""
        written = np.array(self._coordinates, np.float64).reshape(-1, 2)
        boxes = np.array(self._chars, np.float64).reshape(-1, 4, 2)
        ends = np.array(self._ends, np.int64)
        points, quads = self._in_order(written, ends)
        good = np.ones(len(quads), bool)
        faults = quad_faults(quads)
        for word in np.flatnonzero(faults).tolist():
            reason = f"word: {FAULTS[int(faults[word])]}"
            if faults[word] == OUTSIDE:
                self.report.note(reason, self._place_of(word))
                continue
            good[word] = False
            outline = written[ends[word - 1] if word else 0 : ends[word]]
            far = np.isfinite(outline).all() and (np.abs(outline) > LIMIT).any()
            self.report.drop(f"word: {_TOO_LARGE}" if far else reason, self._place_of(word))
        boxes, owners = self._characters(boxes, good)
        return self._columns(np.flatnonzero(good), points, ends, quads, boxes, owners)

    def _columns(
        self,
        kept: np.ndarray,
        points: np.ndarray,
        ends: np.ndarray,
        quads: np.ndarray,
        boxes: np.ndarray,
        owners: np.ndarray,
    ) -> WordTable:
        counts = np.diff(ends, prepend=0)
        curved = bool((counts[kept] != 4).any())
        taken = np.isin(np.repeat(np.arange(len(counts)), counts), kept)
        self.report.images += len(self._names)
        self.report.words += len(kept)
        self.report.chars += len(boxes)
        return WordTable(
            names=Texts(self._names),
            word_ends=np.searchsorted(kept, np.array(self._word_ends, np.int64)).astype(np.int64),
            words=Texts([self._words[k] for k in kept]),
            quads=quads[kept].astype(np.float32),
            ignore=np.array(self._ignore, bool)[kept],
            points=points[taken].astype(np.float32) if curved else None,
            point_ends=np.cumsum(counts[kept]) if curved else np.zeros(0, np.int64),
            char_quads=boxes.astype(np.float32),
            char_ends=np.searchsorted(owners, kept, "right").astype(np.int64),
            sizes=np.array(self._sizes, np.int32).reshape(-1, 2),
            places=Texts([self._place_of(k) for k in kept.tolist()]),
        )

    def _in_order(self, points: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the points [P, 2] and the quads [W, 4, 2] of all outlines, clockwise."""
        counts = np.diff(ends, prepend=0)
        usable = np.isfinite(points) & (np.abs(points) <= LIMIT)
        points = np.where(usable.all(1, keepdims=True), points, np.inf)
        quads = np.full((len(ends), 4, 2), np.inf)
        four = np.flatnonzero(counts == 4)
        rows = (ends[four] - 4)[:, None] + np.arange(4)
        corners = points[rows]
        finite = np.isfinite(corners).all((1, 2))
        crossing, backwards = np.zeros((2, len(four)), bool)
        crossing[finite] = sides_cross(corners[finite])
        backwards[finite] = ~crossing[finite] & (signed_area(corners[finite]) < 0)
        corners[finite] = clockwise(corners[finite])
        quads[four] = corners
        points[rows] = corners
        for word in four[crossing].tolist():
            self.report.note(CROSSED, self._place_of(word))
        for word in four[backwards].tolist():
            self.report.note("word: counter-clockwise, corners put in order", self._place_of(word))
        for word in np.flatnonzero(counts != 4).tolist():
            outline = points[ends[word] - counts[word] : ends[word]]
            if np.isfinite(outline).all():
                if outline_crosses(outline):
                    self.report.note("word: sides of the polygon cross", self._place_of(word))
                elif outline_area(outline) < 0:
                    self.report.note("word: counter-clockwise, corners put in order", self._place_of(word))
                outline[:] = clockwise_outline(outline)
                quads[word] = reading_rectangle(outline)
        return points, quads

    def _characters(self, boxes: np.ndarray, good: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the usable character quads [C, 4, 2] of the words that are `good`, and their words int64 [C]."""
        owners = np.repeat(np.arange(len(good)), np.diff(np.array(self._char_ends, np.int64), prepend=0))
        boxes = np.where((np.isfinite(boxes) & (np.abs(boxes) <= LIMIT)).all((1, 2), keepdims=True), boxes, np.inf)
        finite = np.isfinite(boxes).all((1, 2))
        boxes[finite] = clockwise(boxes[finite])
        faults = quad_faults(boxes)
        faults[faults == OUTSIDE] = 0
        complete = good.copy()
        complete[owners[faults != 0]] = False
        for word in np.unique(owners[(faults != 0) & good[owners]]).tolist():
            of_word = owners == word
            reason = FAULTS[int(faults[of_word & (faults != 0)][0])]
            self.report.drop(
                f"char: {reason}, as is one at least of its word", self._place_of(word), int(of_word.sum())
            )
        kept = complete[owners]
        return boxes[kept], owners[kept]

    def _place_of(self, word: int) -> str:
        return self._place(self._sources[word], self._items[word])

    def _place(self, source: str, item: int | str) -> str:
        return f"{source} {self._unit} {item}"
