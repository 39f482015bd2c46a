"""The results of labelling a dataset: characters, confidences, and how each word got its characters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Literal

import numpy as np

from config.schema.weak import WeakSupervision
from data.preprocess import Preprocess

ALGORITHM = 1
"""To be raised whenever the same words, weights and settings would get other labels; part of a cache's key."""


class WordKind(IntEnum):
    """How a word got its characters, or why it has none."""

    KEPT = 1
    SPLIT = 2
    TRUE = 3
    IGNORED = 4
    EMPTY = 5
    NOT_FINITE = 6
    ZERO_AREA = 7
    CROSSING = 8
    NOT_CONVEX = 9
    OUTSIDE = 10
    UNREADABLE = 11


REASONS = {
    WordKind.KEPT: "characters found",
    WordKind.SPLIT: "split equally",
    WordKind.TRUE: "true characters",
    WordKind.IGNORED: "don't care",
    WordKind.EMPTY: "no text",
    WordKind.NOT_FINITE: "a coordinate is not finite",
    WordKind.ZERO_AREA: "zero or near-zero area",
    WordKind.CROSSING: "sides cross",
    WordKind.NOT_CONVEX: "box is not convex, or seen edge-on",
    WordKind.OUTSIDE: "outside the image",
    WordKind.UNREADABLE: "image cannot be read",
}
"""The wording of logs."""

COLUMN_NAMES = ("word_ends", "char_ends", "char_quads", "confidence", "kind", "found", "checksum")
"""What `join_labels` returns."""

LABELLED = (WordKind.KEPT, WordKind.SPLIT)


@dataclass(frozen=True)
class LabelSettings:
    """Everything besides weights and data that labels depend on.

    Attributes:
        crop_height: side of a word's crop across its reading direction, pixels; a multiple of 32.
        crop_margin: surroundings on each side of the word, as a share of its extent across the reading direction.
        sure_fg_th: region scores above this start a character.
        sure_bg_th: region scores below this belong to none.
        keep_above: a word whose characters have this confidence or less is split equally.
        preprocess: normalisation of the teacher's input.
        amp: precision of the teacher's forward pass.
    """

    crop_height: int = 128
    crop_margin: float = 0.0
    sure_fg_th: float = 0.75
    sure_bg_th: float = 0.05
    keep_above: float = 0.5
    preprocess: Preprocess = field(default_factory=Preprocess)
    amp: Literal["bf16", "fp16", "off"] = "off"

    @classmethod
    def of(cls, weak: WeakSupervision, preprocess: Preprocess, amp: Literal["bf16", "fp16", "off"]) -> LabelSettings:
        """Take the settings of a job."""
        names = ("crop_height", "crop_margin", "sure_fg_th", "sure_bg_th", "keep_above")
        return cls(**{name: getattr(weak, name) for name in names}, preprocess=preprocess, amp=amp)

    def key(self) -> str:
        """Return a short hash of all of it, and of the version of the algorithm."""
        return hashlib.sha256(repr((ALGORITHM, sorted(asdict(self).items()))).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class ImageLabels:
    """The labels of one image's words.

    Attributes:
        char_quads: float32 [C, 4, 2], in image pixels, in reading order within each word.
        char_words: int64 [C], the word of each, non-decreasing.
        confidence: float32 [W] in 0..1; 0 for words that have no characters here.
        kind: uint8 [W], a `WordKind`.
        found: int32 [W], characters that the watershed found; -1 where it was not run.
        checksum: of the image's pixels, 0 where there are none.
    """

    char_quads: np.ndarray
    char_words: np.ndarray
    confidence: np.ndarray
    kind: np.ndarray
    found: np.ndarray
    checksum: int = 0


@dataclass(frozen=True)
class LabelStatistics:
    """Sums over a labelled dataset.

    Attributes:
        images: number of images.
        words: kind -> number of words.
        confidence_sum: over the labelled words.
        exact: labelled words in which as many characters were found as the text has.
    """

    images: int = 0
    words: dict[WordKind, int] = field(default_factory=dict)
    confidence_sum: float = 0.0
    exact: int = 0

    @classmethod
    def of(cls, images: int, kind: np.ndarray, confidence: np.ndarray) -> LabelStatistics:
        """Count columns [W] of `ImageLabels`."""
        words = {word_kind: int((kind == word_kind).sum()) for word_kind in WordKind}
        labelled = np.isin(kind, LABELLED)
        # The confidence is 1 only if the number of characters is right.
        return cls(
            images,
            {word_kind: count for word_kind, count in words.items() if count},
            float(confidence[labelled].sum(dtype=np.float64)),
            int((confidence[labelled] == 1).sum()),
        )

    @property
    def labelled(self) -> int:
        """Words that were given characters."""
        return sum(self.words.get(kind, 0) for kind in LABELLED)

    @property
    def mean_confidence(self) -> float:
        """Mean over the labelled words; 0 where there are none."""
        return self.confidence_sum / self.labelled if self.labelled else 0.0

    @property
    def split_share(self) -> float:
        """Share of the labelled words that were split equally."""
        return self.words.get(WordKind.SPLIT, 0) / self.labelled if self.labelled else 0.0

    @property
    def exact_share(self) -> float:
        """Share of the labelled words with the right number of characters."""
        return self.exact / self.labelled if self.labelled else 0.0

    def scalars(self) -> dict[str, float]:
        """Return the figures for a log of scalars, such as TensorBoard."""
        named = {f"words_{kind.name.lower()}": float(count) for kind, count in self.words.items()}
        shares = ("mean_confidence", "split_share", "exact_share")
        return {**{name: float(getattr(self, name)) for name in shares}, **named}

    def summary(self) -> str:
        """Return one sentence for a log."""
        others = [
            f"{count:,} {REASONS[kind]}" for kind, count in sorted(self.words.items()) if kind not in LABELLED and count
        ]
        return (
            f"{self.labelled:,} words of {self.images:,} images labelled, mean confidence {self.mean_confidence:.3f}, "
            f"{self.exact_share:.1%} with the right number of characters, {self.split_share:.1%} split equally"
            f"{'; left out: ' + ', '.join(others) if others else ''}"
        )


def join_labels(labels: Iterable[ImageLabels]) -> dict[str, np.ndarray]:
    """Return the labels of I images, with W words in all, as columns: those of `ImageLabels` and two running totals.

    `word_ends` int64 [I] counts the words up to each image, `char_ends` int64 [W] the characters up to each word, which
    replaces `char_words`.
    """
    labels = list(labels)
    counts = [np.bincount(image.char_words, minlength=len(image.kind)) for image in labels]

    def column(name: str, dtype: str, shape: tuple[int, ...] = ()) -> np.ndarray:
        parts = [np.zeros((0, *shape), dtype), *(np.asarray(getattr(image, name), dtype) for image in labels)]
        return np.concatenate(parts)

    return {
        "word_ends": np.cumsum([len(image.kind) for image in labels], dtype="<i8"),
        "char_ends": np.cumsum(np.concatenate([np.zeros(0, np.int64), *counts]), dtype="<i8"),
        "char_quads": column("char_quads", "<f4", (4, 2)),
        "confidence": column("confidence", "<f4"),
        "kind": column("kind", "|u1"),
        "found": column("found", "<i4"),
        "checksum": np.array([image.checksum for image in labels], "<u4"),
    }
