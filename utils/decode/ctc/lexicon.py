"""Reading with a lexicon: the word of a list with the highest CTC probability.

Published results "with a lexicon" (50 or 1000 words for each picture of IIIT5K and SVT, 50k or 90k words in all) use
this word (Shi et al., "CRNN", TPAMI 2017) or the word nearest to the free reading by edit distance (`Lexicon.nearest`).
Here CTC's forward recursion runs over the prefix tree of all words at once, so every word gets its exact probability
and shared prefixes are computed only once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from torch import Tensor

from data.recognition.alphabet import BLANK, Alphabet
from utils.decode.ctc.reading import BestPath, Reading, best_path, make_readings
from utils.decode.ctc.scores import Lengths, prepare

log = logging.getLogger(__name__)

CELLS = 2_000_000
"""Maximum number of samples times nodes that are computed at once; it limits the memory to about 100 MB."""


class Lexicon:
    """A list of words as a prefix tree.

    Args:
        words: the words; duplicates count once.
        alphabet: that of the network.

    Attributes:
        words: the words that the alphabet can write, in the given order.
        left_out: words that it cannot write, and empty words; a warning is logged.

    Raises:
        ValueError: no word is left.
    """

    def __init__(self, words: Iterable[str], alphabet: Alphabet) -> None:
        all_words = list(dict.fromkeys(words))
        self.alphabet = alphabet
        self.words = [word for word in all_words if word and not alphabet.unknown(word)]
        known = set(self.words)
        self.left_out = [word for word in all_words if word not in known]
        if not self.words:
            raise ValueError("the word list holds no word that the alphabet can write")
        if self.left_out:
            log.warning(
                "%d of %d words of the list cannot be written with the alphabet and are left out, the first is %r",
                len(self.left_out), len(all_words), self.left_out[0],
            )  # fmt: skip
        self.holds_spaces = any(" " in word for word in self.words)
        self._build()

    def __len__(self) -> int:
        return len(self.words)

    def nearest(self, text: str) -> str:
        """Return the word with the smallest edit distance to a text; among equals, the first one."""
        return process.extractOne(text, self.words, scorer=Levenshtein.distance)[0]

    def classes(self, index: int) -> list[int]:
        """Return the classes of a word's characters."""
        return self.alphabet.encode(self.words[index])

    def scores(self, log_probs: Tensor, lengths: Tensor) -> Tensor:
        """Return ln P(word | picture) of every word, float [B, words]; -inf if a word needs more time steps.

        Args:
            log_probs: logarithms of probabilities, float [B, T, classes].
            lengths: int64 [B] on the CPU.
        """
        device = log_probs.device
        tree = [part.to(device) for part in (self._parent, self._label, self._doubled, self._ends)]
        rows = max(1, CELLS // len(self._parent))
        parts = [
            self._forward(log_probs[start : start + rows], lengths[start : start + rows], *tree)
            for start in range(0, len(log_probs), rows)
        ]
        return torch.cat(parts) if parts else log_probs.new_empty(0, len(self.words))

    def _forward(
        self, log_probs: Tensor, lengths: Tensor, parent: Tensor, label: Tensor, doubled: Tensor, ends: Tensor
    ) -> Tensor:
        batch, steps, _ = log_probs.shape
        in_blank = log_probs.new_full((batch, len(parent)), -torch.inf)
        in_character = in_blank.clone()
        in_blank[:, 0] = 0
        running = lengths.to(log_probs.device)[:, None]
        for step in range(min(steps, int(lengths.max()))):
            # Nodes are sorted by depth, and after k steps only nodes of depth k or less are reachable.
            reached = self._reached[min(step + 1, len(self._reached) - 1)]
            row = log_probs[:, step]
            blank, character = in_blank[:, :reached], in_character[:, :reached]
            total = torch.logaddexp(blank, character)
            # A node is reached from its parent; if both have the same character, only from the parent's blank.
            before = parent[:reached]
            arriving = torch.where(doubled[:reached], blank[:, before], total[:, before])
            arriving[:, 0] = -torch.inf
            real = step < running
            in_character[:, :reached] = torch.where(
                real, torch.logaddexp(character, arriving) + row[:, label[:reached]], character
            )
            in_blank[:, :reached] = torch.where(real, total + row[:, :1], blank)
        return torch.logaddexp(in_blank[:, ends], in_character[:, ends])

    def _build(self) -> None:
        """Build the tree level by level: node 0 is the empty text, parents come before their children."""
        encoded = [self.alphabet.encode(word) for word in self.words]
        parent, label = [0], [BLANK]
        ends = [0] * len(encoded)
        self._reached = [1]  # nodes of a depth of at most k
        for depth in range(max(map(len, encoded))):
            children: dict[tuple[int, int], int] = {}
            for index, classes in enumerate(encoded):
                if depth < len(classes):
                    key = (ends[index], classes[depth])
                    node = children.setdefault(key, len(parent))
                    if node == len(parent):
                        parent.append(key[0])
                        label.append(key[1])
                    ends[index] = node
            self._reached.append(len(parent))
        self._parent, self._label, self._ends = torch.tensor(parent), torch.tensor(label), torch.tensor(ends)
        self._doubled = (self._label == self._label[self._parent]) & (self._label != BLANK)


def decode_lexicon(
    log_probs: Tensor | np.ndarray,
    lengths: Lengths | None,
    alphabet: Alphabet,
    lexicon: Lexicon,
) -> list[Reading]:
    """Read a batch as words of a list.

    A line is split where the best path has a space, and each part is read as a word; it is not split if entries of the
    list contain spaces. A picture with too few time steps for every entry reads as "".

    Args:
        log_probs: float [B, T, classes], logarithms of probabilities or logits.
        lengths: int [B], time steps of each sample without padding; None if no sample is padded.
        alphabet: the characters of the classes.
        lexicon: a lexicon for the same alphabet.

    Raises:
        ValueError: the shapes, the alphabets and the lengths do not fit together.
    """
    if lexicon.alphabet != alphabet:
        raise ValueError("the word list was made for another alphabet")
    scores, counts = prepare(log_probs, lengths, alphabet)
    path = best_path(scores, counts)
    space = alphabet.encode(" ")[0] if " " in alphabet and not lexicon.holds_spaces else None
    pieces = [(sample, piece) for sample in range(len(scores)) for piece in _pieces(path, sample, space)]
    widest = max((piece.stop - piece.start for _, piece in pieces), default=0)
    cut = scores.new_zeros(len(pieces), widest, scores.shape[2])
    for place, (sample, piece) in enumerate(pieces):
        cut[place, : piece.stop - piece.start] = scores[sample, piece]
    found = lexicon.scores(cut, torch.tensor([piece.stop - piece.start for _, piece in pieces], dtype=torch.int64))
    texts: list[list[int]] = [[] for _ in range(len(scores))]
    if len(pieces):
        best = found.max(dim=1)
        for (sample, _), value, index in zip(pieces, best.values.tolist(), best.indices.tolist(), strict=True):
            if value > -np.inf:
                separator = [space] if texts[sample] and space is not None else []
                texts[sample] += separator + lexicon.classes(index)
    return make_readings(texts, scores, counts, path, alphabet)


def _pieces(path: BestPath, sample: int, space: int | None) -> Iterator[slice]:
    """Yield the time steps of each word of a line, or of the whole line if it has no space."""
    classes = path.classes[sample][path.real[sample]]
    spaces = np.flatnonzero(classes == space) if space is not None else np.empty(0, np.int64)
    starts, stops = [0, *(spaces + 1).tolist()], [*spaces.tolist(), len(classes)]
    words = [
        slice(start, stop) for start, stop in zip(starts, stops, strict=True) if (classes[start:stop] != BLANK).any()
    ]
    yield from words or [slice(0, len(classes))]
