"""Scores of text recognition: shares of correct texts, and edit distances.

Edits are insertions, deletions and substitutions (Levenshtein), between characters (code points of Unicode's NFC) or
between words (what white space parts).

- `word_accuracy`: share of texts read exactly, case and punctuation included.
- `word_accuracy_insensitive`: the same after Unicode's case folding.
- `word_accuracy_alphanumeric`: the same under the 36-character protocol (`metrics.protocols`), the figure of the usual
  tables. A reference that becomes empty still counts, and is correct if the prediction becomes empty as well, as in the
  code of deep-text-recognition-benchmark; PARSeq's code leaves such samples out, which makes no difference on the
  benchmarks. `words_without_alphanumeric` is their number.
- `cer`, `wer`: edits over all texts / characters or words of all references; may exceed 1.
- `norm_edit_distance`: mean over the texts of 1 - edits / length of the longer of the two ("1-NED": Zhang et al.,
  "ICDAR 2019 Robust Reading Challenge on Reading Chinese Text on Signboard"; higher is better). Two empty texts agree:
  1. deep-text-recognition-benchmark gives 0 there, the one case in which its figure differs.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

from metrics.protocols import full, lower_alphanumeric


@dataclass(frozen=True)
class WordCounts:
    """Sums over texts; adding two of them joins two parts of a dataset.

    Attributes:
        words: number of texts.
        right: texts read exactly.
        right_insensitive: texts that are right without regard to case.
        right_alphanumeric: texts right under the 36-character protocol.
        without_alphanumeric: references that are empty under that protocol.
        character_edits, characters: edits between characters, and characters of the references.
        word_edits, reference_words: the same of words.
        similarity: sum of 1 - edits / length of the longer.
    """

    words: int = 0
    right: int = 0
    right_insensitive: int = 0
    right_alphanumeric: int = 0
    without_alphanumeric: int = 0
    character_edits: int = 0
    characters: int = 0
    word_edits: int = 0
    reference_words: int = 0
    similarity: float = 0.0

    def __add__(self, other: WordCounts) -> WordCounts:
        return WordCounts(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    @property
    def word_accuracy(self) -> float:
        """Share of texts read exactly, 0 without texts."""
        return self.right / max(self.words, 1)

    @property
    def word_accuracy_insensitive(self) -> float:
        """Share of texts that are right without regard to case."""
        return self.right_insensitive / max(self.words, 1)

    @property
    def word_accuracy_alphanumeric(self) -> float:
        """Share of texts right under the 36-character protocol."""
        return self.right_alphanumeric / max(self.words, 1)

    @property
    def cer(self) -> float:
        """Character error rate; the number of edits if the references have no characters."""
        return self.character_edits / max(self.characters, 1)

    @property
    def wer(self) -> float:
        """Word error rate; the number of edits if the references have no words."""
        return self.word_edits / max(self.reference_words, 1)

    @property
    def norm_edit_distance(self) -> float:
        """Mean of 1 - edits / length of the longer, 0 without texts; higher is better."""
        return self.similarity / max(self.words, 1)

    def results(self) -> dict[str, float | int]:
        """Return the scores under the names of `results.json`."""
        return {
            "word_accuracy": self.word_accuracy,
            "word_accuracy_insensitive": self.word_accuracy_insensitive,
            "word_accuracy_alphanumeric": self.word_accuracy_alphanumeric,
            "cer": self.cer,
            "wer": self.wer,
            "norm_edit_distance": self.norm_edit_distance,
            "words": self.words,
            "words_without_alphanumeric": self.without_alphanumeric,
        }


@dataclass(frozen=True)
class WordRecord:
    """One text.

    Attributes:
        sample_id: name of the sample.
        reference, prediction: both after the metric's protocol.
        counts: its counts, with `words` = 1.
    """

    sample_id: str
    reference: str
    prediction: str
    counts: WordCounts

    @property
    def right(self) -> bool:
        """Whether the text was read exactly."""
        return bool(self.counts.right)


class Confusion(NamedTuple):
    """A substitution; `reference` is "" for an inserted character, `prediction` is "" for a missing one."""

    reference: str
    prediction: str
    count: int


class WordMetric:
    """Collects texts one by one.

    Args:
        normalise: applied to references and predictions before all scores; see `metrics.protocols`.
    """

    def __init__(self, normalise: Callable[[str], str] = full) -> None:
        self._normalise = normalise
        self.records: dict[str, WordRecord] = {}

    def update(self, sample_id: str, reference: str, prediction: str) -> WordRecord:
        """Add a text.

        Args:
            sample_id: its name; each may be added once.
            reference: what is written there.
            prediction: what was read.

        Raises:
            ValueError: a sample of that name was added before.
        """
        if sample_id in self.records:
            raise ValueError(f"sample {sample_id!r} was added twice")
        reference, prediction = self._normalise(reference), self._normalise(prediction)
        record = WordRecord(sample_id, reference, prediction, compare(reference, prediction))
        self.records[sample_id] = record
        return record

    def compute(self) -> WordCounts:
        """Return the sums over all texts; they do not depend on the order in which these were added."""
        total = sum((record.counts for record in self.records.values()), WordCounts())
        return replace(total, similarity=math.fsum(record.counts.similarity for record in self.records.values()))

    def confusions(self, count: int = 20) -> list[Confusion]:
        """Return the most frequent mistakes between characters; see `confusions`."""
        return confusions(self.records.values(), count)


def compare(reference: str, prediction: str) -> WordCounts:
    """Return the counts of one text."""
    edits = Levenshtein.distance(reference, prediction)
    reference_words, predicted_words = reference.split(), prediction.split()
    alphanumeric = lower_alphanumeric(reference)
    longer = max(len(reference), len(prediction))
    return WordCounts(
        words=1,
        right=int(edits == 0),
        right_insensitive=int(edits == 0 or reference.casefold() == prediction.casefold()),
        right_alphanumeric=int(edits == 0 or alphanumeric == lower_alphanumeric(prediction)),
        without_alphanumeric=int(not alphanumeric),
        character_edits=edits,
        characters=len(reference),
        word_edits=Levenshtein.distance(reference_words, predicted_words) if edits else 0,
        reference_words=len(reference_words),
        similarity=1.0 - edits / longer if longer else 1.0,
    )


def confusions(records: Iterable[WordRecord], count: int = 20) -> list[Confusion]:
    """Return the most frequent mistakes between characters, from a shortest series of edits for each wrong text.

    Args:
        records: texts.
        count: greatest number of mistakes to return.

    Returns:
        The most frequent first; equally frequent ones in the order of their characters.
    """
    found: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record.right:
            continue
        for edit in Levenshtein.editops(record.reference, record.prediction):
            was = "" if edit.tag == "insert" else record.reference[edit.src_pos]
            became = "" if edit.tag == "delete" else record.prediction[edit.dest_pos]
            found[was, became] += 1
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return [Confusion(was, became, occurrences) for (was, became), occurrences in ordered[:count]]
