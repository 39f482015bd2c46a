"""The text of a crop: the label, its font, and the words around it, parts of which may be visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.errors import UserError
from config.schema.generation import GenerateConfig
from data.draws import whole
from data.graphemes import clusters, count_clusters
from data.synth.resources import Resources
from data.synth.setting.faces import FontFace

_FACE_TRIES = 20
_WORD_TRIES = 50
_LEAST_ROOM = 2
"""No further word is added if fewer characters than this are left of `max_length`."""
_FRAGMENT = 3
"""Characters that are drawn of the words to the left and to the right; more would not be visible."""


@dataclass(frozen=True)
class CropText:
    """The words of a crop and around it.

    Attributes:
        words: the label's.
        left, right: part of a word on the same line, or "".
        above, below: words of the lines before and after; may be empty.
    """

    words: list[str]
    left: str = ""
    right: str = ""
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return " ".join(self.words)

    @property
    def lines(self) -> list[list[str]]:
        """The lines to lay out, neighbours included."""
        line = [word for word in (self.left, *self.words, self.right) if word]
        return [list(line) for line in (self.above, line, self.below) if line]

    @property
    def first(self) -> int:
        """Index of the label's first word among all words of `lines`."""
        return len(self.above) + bool(self.left)

    def alone(self) -> CropText:
        """Return the label without its neighbours."""
        return CropText(self.words)


def draw_text(
    config: GenerateConfig, resources: Resources, split: str, rng: np.random.Generator
) -> tuple[CropText, FontFace]:
    """Draw a label, its neighbours and a font that can show them.

    Raises:
        UserError: no word is short enough for `crops.max_length`, or no font shows the alphabet as it is written.
    """
    words = _label_words(config, resources, split, rng)
    for _ in range(_FACE_TRIES):
        face = resources.choose_face(split, config.fonts.italic, rng)
        if not face.capitals_only:
            break
        # Such a font draws every letter as a capital, so the label must have capitals.
        capitals = [face.shown(word) for word in words]
        if set(resources.alphabet).issuperset("".join(capitals)):
            words = capitals
            break
    else:
        raise UserError(
            f"The fonts of the split '{split}' draw capitals only, which text.alphabet lacks: add the capitals to the "
            f"alphabet, or fonts with lower-case letters."
        )
    text = CropText(words)
    if rng.random() < config.crops.neighbours:
        text = _with_neighbours(text, resources, split, rng)
    return text, face


def _label_words(config: GenerateConfig, resources: Resources, split: str, rng: np.random.Generator) -> list[str]:
    source, room = resources.texts[split], config.crops.max_length
    words: list[str] = []
    for _ in range(whole(rng, config.crops.words)):
        if words and room < max(_LEAST_ROOM, config.text.length[0]):
            break
        for _ in range(_WORD_TRIES):
            word = source.draw(rng, room)
            # The length of a label counts code points, as recognisers do; the source counts grapheme clusters.
            if len(word) <= room or count_clusters(word) > room:
                break
        if len(word) > room:
            break
        words.append(word)
        room -= len(word) + 1
    if not words:
        raise UserError(
            f"No word of the split '{split}' has at most {config.crops.max_length} characters: raise crops.max_length, "
            f"or lower text.length."
        )
    return words


def _with_neighbours(text: CropText, resources: Resources, split: str, rng: np.random.Generator) -> CropText:
    """Return the text with neighbours: each side has one with probability 1/2, and at least one side has one."""
    sides = rng.random(4) < 0.5
    if not sides.any():
        sides[int(rng.integers(4))] = True
    source = resources.texts[split]
    left, right, above, below = (source.draw(rng) if side else "" for side in sides)
    longer = len(text.label) > 8
    return CropText(
        text.words,
        "".join(clusters(left)[-_FRAGMENT:]),
        "".join(clusters(right)[:_FRAGMENT]),
        tuple(word for word in (above, source.draw(rng) if above and longer else "") if word),
        tuple(word for word in (below, source.draw(rng) if below and longer else "") if word),
    )
