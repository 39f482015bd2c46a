"""The colours of every picture that is drawn for a person, by what they mean."""

from __future__ import annotations

Colour = tuple[int, int, int]
"""Red, green and blue in 0..255."""

# Sheets
BACKGROUND: Colour = (20, 21, 26)
INK: Colour = (235, 235, 240)
FAINT: Colour = (150, 152, 162)
OUTLINE: Colour = (15, 15, 20)
"""The edge of wide lines, and the gap between pictures that belong together."""
WHITE: Colour = (255, 255, 255)

# Labels
WORD: Colour = (52, 199, 89)
CHARACTER: Colour = (255, 176, 32)
IGNORED: Colour = (160, 160, 160)
""""Don't care" words, and detections that are not counted because they lie there."""

# Detections
FOUND: Colour = (30, 136, 255)
"""One that matches a word, where there are labels to compare with."""
WRONG: Colour = (240, 60, 50)

# Readings, by whether they equal the label or by their confidence
SURE: Colour = (52, 199, 89)
UNSURE: Colour = (255, 176, 32)
DOUBTFUL: Colour = (255, 105, 97)

# Pseudo-labels
LABELLED_WORD: Colour = (120, 170, 255)
KEPT: Colour = (52, 199, 89)
SPLIT: Colour = (255, 150, 40)

# Charts, on white
AXES: Colour = (40, 42, 48)
GRID: Colour = (230, 230, 234)
POINTS: Colour = (176, 190, 214)
CURVE: Colour = (0, 92, 197)
STEEPEST: Colour = (36, 138, 61)
TENTH_OF_MINIMUM: Colour = (191, 97, 0)
PRESENT: Colour = (130, 132, 140)
