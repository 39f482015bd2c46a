"""Selects the labels that an alphabet can write, and drops or changes the others.

Membership is tested by `in`: neither labels nor alphabets are patterns, so `]`, `^`, `-`, `\\` and the space are
ordinary characters. Case is folded first, and only if the settings say so: without folding, an alphabet of capitals
keeps only labels in capitals.
"""

from __future__ import annotations

import copy
import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from config.errors import UserError
from config.schema.alphabet import character_name
from data.graphemes import nfc
from data.reader import DropReport
from data.recognition.alphabet import Alphabet
from data.recognition.readers.forwarded import ChosenWords, JoinedWords, Kept
from data.recognition.sample import WordReader, WordSample

_NOTHING = "word: none of its characters is in the alphabet"
_UNKNOWN = "word: a character is not in the alphabet"
_LONG = "word: longer than the greatest length of a label"
_NAMED = 8
"""Greatest number of missing characters that a message names, the most frequent first."""


@dataclass(frozen=True)
class LabelRule:
    """Conditions that a label must meet to be trained on.

    Attributes:
        alphabet: the characters it may have.
        case: `lower` and `upper` fold every label.
        unknown: a character outside the alphabet: `drop` leaves out the sample, `remove` takes the character out of the
            label (EasyOCR's `data_filtering_off: True`).
        max_length: greatest number of characters; None sets no limit.
    """

    alphabet: Alphabet
    case: Literal["keep", "lower", "upper"] = "keep"
    unknown: Literal["drop", "remove"] = "drop"
    max_length: int | None = None

    def fold(self, text: str) -> str:
        """Return a label in the case of the settings, without unknown characters if these are to be removed."""
        if self.case != "keep":
            text = nfc(text.lower() if self.case == "lower" else text.upper())
        if self.unknown == "remove":
            text = "".join(character for character in text if character in self.alphabet)
        return text

    def fault(self, folded: str) -> str | None:
        """Return why a folded label is left out, or None if it is kept."""
        if not folded:
            return _NOTHING
        if any(character not in self.alphabet for character in folded):
            return _UNKNOWN
        if self.max_length is not None and len(folded) > self.max_length:
            return _LONG
        return None


@dataclass
class FilterReport(DropReport):
    """A reader's report, and what was left out because of the alphabet.

    Attributes:
        unknown: character outside the alphabet -> number of labels that have it.
    """

    unknown: dict[str, int] = field(default_factory=dict)

    def table(self) -> str:
        """Return the report as aligned text lines, one line per reason, and one with the unknown characters."""
        lines = [super().table()]
        if self.unknown:
            lines.append(f"  not in the alphabet: {named(self.unknown)}")
        return "\n".join(lines)


def named(unknown: dict[str, int]) -> str:
    """Return the most frequent of the characters, with the number of labels that contain each."""
    common = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))
    more = f" and {len(common) - _NAMED:,} more" if len(common) > _NAMED else ""
    return ", ".join(f"{character_name(character)} in {count:,}" for character, count in common[:_NAMED]) + more


class FilteredWords(ChosenWords):
    """The samples of a reader whose labels meet a rule; the labels are folded by the rule.

    Args:
        reader: all samples.
        rows: those that are kept.
        rule: the conditions for labels.
        report: of the reader and the rule.
    """

    def __init__(self, reader: WordReader, rows: Kept, rule: LabelRule, report: DropReport) -> None:
        super().__init__(reader, rows)
        self.rule = rule
        self._report = report
        self.longest = rule.max_length
        if self.characters is not None:
            self.characters = frozenset("".join(map(rule.fold, self.characters)))

    @property
    def report(self) -> DropReport:
        """What the reader and the rule kept and left out."""
        return self._report

    def __getitem__(self, index: int) -> WordSample:
        sample = super().__getitem__(index)
        return replace(sample, text=self.rule.fold(sample.text))

    def text(self, index: int) -> str:
        return self.rule.fold(super().text(index))

    def fingerprint(self) -> str:
        rule = f"{self.rule.case} {self.rule.unknown}" + (
            self.rule.alphabet.characters if self.rule.unknown == "remove" else ""
        )
        return hashlib.sha256(f"{super().fingerprint()} {rule}".encode()).hexdigest()[:16]


def filter_words(
    reader: WordReader, rule: LabelRule, source: str, *, max_dropped: float = 1.0
) -> FilteredWords | JoinedWords:
    """Return the samples of a reader whose labels meet a rule.

    Every label is checked, except those of a generator, which declares its characters.

    Args:
        reader: one dataset, or several that were joined.
        rule: the conditions for labels.
        source: name of the samples in messages, such as "train.datasets".
        max_dropped: greatest share of the samples that may be left out, 0..1.

    Raises:
        UserError: more are left out, or all of one dataset, or a generator writes what the rule leaves out.
    """
    if isinstance(reader, JoinedWords):
        parts = [
            filter_words(part, rule, f"{source}, dataset {position}") for position, part in enumerate(reader.readers, 1)
        ]
        _check(sum(len(part) for part in reader.readers), JoinedWords(parts), rule, source, max_dropped)
        return JoinedWords(parts)
    if reader.characters is not None:
        _check_generator(reader.characters, reader.longest, rule, source)
        return FilteredWords(reader, Kept(len(reader), ()), rule, reader.report)
    kept = _filter(reader, rule)
    _check(len(reader), kept, rule, source, max_dropped)
    return kept


def _filter(reader: WordReader, rule: LabelRule) -> FilteredWords:
    found = reader.report
    report = FilterReport(
        images=found.images,
        dropped=dict(found.dropped),
        examples=copy.deepcopy(found.examples),
        noted=dict(found.noted),
        unparsed=list(found.unparsed),
    )
    counts: Counter[str] = Counter()
    dropped: list[int] = []
    for index in range(len(reader)):
        text = reader.text(index)
        folded = rule.fold(text)
        fault = rule.fault(folded)
        if fault is None:
            report.words += 1
            report.chars += len(folded)
            if rule.unknown == "drop" or len(folded) == len(text):
                continue
        unknown = rule.alphabet.unknown(replace(rule, unknown="drop").fold(text))
        counts.update(unknown)
        place = f"{reader.name(index)}: {text!r}"
        if fault is None:
            report.note("word: characters outside the alphabet were removed", place)
            continue
        dropped.append(index)
        report.drop(fault, f"{place} has {', '.join(map(character_name, unknown[:3]))}" if unknown else place)
    report.unknown = dict(counts)
    if found.images == found.words:
        report.images = report.words
    return FilteredWords(reader, Kept(len(reader), dropped), rule, report)


def _check(total: int, kept: FilteredWords | JoinedWords, rule: LabelRule, source: str, max_dropped: float) -> None:
    """Raise `UserError` if too many samples were left out."""
    lost = total - len(kept)
    if lost <= max_dropped * total and len(kept):
        return
    report = kept.report
    reasons = sorted(
        (reason for reason in (_NOTHING, _UNKNOWN, _LONG) if reason in report.dropped),
        key=lambda reason: -report.dropped[reason],
    )
    why = "; ".join(f"{report.dropped[reason]:,} x {reason} (e.g. {report.examples[reason][0]})" for reason in reasons)
    unknown = report.unknown if isinstance(report, FilterReport) else {}
    allowed = "none is left" if not len(kept) else f"more than `max_dropped` ({max_dropped:g}) allows"
    lacking = f" (it lacks {named(unknown)})" if unknown else ""
    raise UserError(
        f"{source}: {lost:,} of {total:,} labels ({lost / total:.2%}) cannot be written with the "
        f"{len(rule.alphabet)} characters of the alphabet{lacking} or are too long, {allowed}: {why}; add the "
        "characters, fold the case, or allow more to be left out"
    )


def _check_generator(characters: frozenset[str], longest: int | None, rule: LabelRule, source: str) -> None:
    """Raise `UserError` if a generator can write a label that the rule leaves out."""
    keep = replace(rule, unknown="drop")
    lacking = sorted(
        {folded for character in characters for folded in keep.fold(character) if folded not in rule.alphabet}
    )
    if lacking:
        more = f" and {len(lacking) - _NAMED:,} more" if len(lacking) > _NAMED else ""
        raise UserError(
            f"{source}: its recipe writes {', '.join(map(character_name, lacking[:_NAMED]))}{more}, which the alphabet "
            "lacks; give the dataset's `set` a `text.alphabet=...` of the alphabet's characters, or add them to the "
            "alphabet"
        )
    grown = any(len(keep.fold(character)) > 1 for character in characters)
    if rule.max_length is not None and (longest is None or longest > rule.max_length or grown):
        key = "this dataset's `max_length`" if longest is None else "`crops.max_length=...` in the dataset's `set`"
        raise UserError(
            f"{source}: its labels may have {'any number of' if longest is None else longest} characters, more than "
            f"the {rule.max_length} that are allowed; set {key} to {rule.max_length}"
        )
