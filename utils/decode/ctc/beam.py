"""Prefix beam search: the most probable text, which may differ from the text of the best path.

Many paths give the same text. At each time step, the search keeps the most probable texts so far, each with two
probabilities: of its paths that end in a blank, and of its paths that end in its last character (Graves, "Supervised
Sequence Labelling with Recurrent Neural Networks", 2012; Hannun et al., arXiv:1408.2873). If the beam holds all texts,
the probabilities are exact; a narrower beam can only lose some probability.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from data.recognition.alphabet import BLANK, Alphabet
from utils.decode.ctc.lexicon import Lexicon, decode_lexicon
from utils.decode.ctc.reading import Reading, best_path, make_readings
from utils.decode.ctc.scores import Lengths, prepare


class Hypothesis(NamedTuple):
    """A text as the classes of its characters, and the natural logarithm of its probability within the beam."""

    classes: tuple[int, ...]
    log_probability: float


def decode_beam(
    log_probs: Tensor | np.ndarray,
    lengths: Lengths | None,
    alphabet: Alphabet,
    *,
    beam_width: int = 10,
    lexicon: Lexicon | None = None,
) -> list[Reading]:
    """Read a batch.

    Args:
        log_probs: float [B, T, classes], logarithms of probabilities or logits.
        lengths: int [B], time steps of each sample without padding; None if no sample is padded.
        alphabet: the characters of the classes.
        beam_width: number of texts that are kept at each step, at least 1.
        lexicon: read only its words with `decode_lexicon`, which is exact and does not use `beam_width`.

    Raises:
        ValueError: the shapes, the alphabet and the lengths do not fit together, or the width is below 1.
    """
    if lexicon is not None:
        return decode_lexicon(log_probs, lengths, alphabet, lexicon)
    scores, counts = prepare(log_probs, lengths, alphabet)
    rows = scores.cpu().numpy().astype(np.float64)
    texts = [beam_search(row[:count], beam_width)[0].classes for row, count in zip(rows, counts.tolist(), strict=True)]
    return make_readings(texts, scores, counts, best_path(scores, counts), alphabet)


def beam_search(log_probs: np.ndarray, beam_width: int) -> list[Hypothesis]:
    """Search one sample.

    Args:
        log_probs: logarithms of probabilities, float64 [T, classes].
        beam_width: number of texts that are kept at each step, at least 1.

    Returns:
        The texts that are kept at the end, the most probable first; equally probable ones in the order they were found.
    """
    if beam_width < 1:
        raise ValueError(f"the beam must be at least 1 wide, not {beam_width}")
    tree = _Texts()
    nodes = [0]
    in_blank, in_character = np.zeros(1), np.full(1, -np.inf)
    for row in log_probs:
        last = np.array([tree.label[node] for node in nodes])
        total = np.logaddexp(in_blank, in_character)
        grown = total[:, None] + row
        grown[np.arange(len(nodes)), last] = in_blank + row[last]  # without a blank between, a repeat adds nothing
        grown[:, BLANK] = -np.inf
        in_blank, in_character = total + row[BLANK], in_character + row[last]

        # If a text and its prefix are both kept, the prefix extended by one character is merged into the text.
        position = {node: place for place, node in enumerate(nodes)}
        for place, node in enumerate(nodes):
            shorter = position.get(tree.parent[node])
            if shorter is not None:
                in_character[place] = np.logaddexp(in_character[place], grown[shorter, last[place]])
                grown[shorter, last[place]] = -np.inf

        found = np.concatenate([np.logaddexp(in_blank, in_character), grown.ravel()])
        kept = _best(found, beam_width)
        new = kept >= len(nodes)
        sources, labels = np.divmod(kept - len(nodes), len(row))
        stayed = np.where(new, 0, kept)
        in_blank, in_character = (
            np.where(new, -np.inf, in_blank[stayed]),
            np.where(new, found[kept], in_character[stayed]),
        )
        nodes = [
            tree.child(nodes[source], int(label)) if is_new else nodes[place]
            for place, is_new, source, label in zip(stayed, new, sources, labels, strict=True)
        ]
    total = np.logaddexp(in_blank, in_character)
    return [Hypothesis(tree.classes(nodes[place]), float(total[place])) for place in np.argsort(-total, kind="stable")]


class _Texts:
    """All texts of the search as a prefix tree: node 0 is the empty text, a child has one character more."""

    def __init__(self) -> None:
        self.parent = [-1]
        self.label = [BLANK]
        self._children: dict[tuple[int, int], int] = {}

    def child(self, node: int, label: int) -> int:
        """Return the node of the text with one character more; it is created once."""
        known = self._children.setdefault((node, label), len(self.parent))
        if known == len(self.parent):
            self.parent.append(node)
            self.label.append(label)
        return known

    def classes(self, node: int) -> tuple[int, ...]:
        """Return a text's classes."""
        backwards = []
        while node:
            backwards.append(self.label[node])
            node = self.parent[node]
        return tuple(reversed(backwards))


def _best(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of the highest scores, best first, without those of probability 0."""
    places = np.argpartition(-scores, count - 1)[:count] if count < len(scores) else np.arange(len(scores))
    places = np.sort(places[scores[places] > -np.inf])
    return places[np.argsort(-scores[places], kind="stable")]
