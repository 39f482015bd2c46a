"""The characters of a dataset: frequent ones, rare ones, and those that hint at faulty labels."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from utils.check.counts import Census
from utils.check.report import Report, counted, percent, some
from utils.check.sources import BaseSource, Source

RARE = 5
"""A character with fewer occurrences is reported as rare."""

_SHOWN = 60
_INVISIBLE = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")


def odd_characters(characters: Counter[str]) -> dict[str, list[str]]:
    """Return the characters that hint at faulty labels: those not in NFC, and invisible ones.

    The zero-width joiner and non-joiner belong to the spelling of several scripts, so they do not count as invisible
    inside a grapheme cluster.
    """
    joiners = str.maketrans("", "", "\u200c\u200d")
    invisible = [
        character
        for character in characters
        if not (drawn := character.translate(joiners))
        or any(unicodedata.category(point) in _INVISIBLE for point in drawn)
    ]
    spaces = [character for character in characters if character.isspace() and character != " "]
    return {
        "not in NFC": sorted(character for character in characters if not unicodedata.is_normalized("NFC", character)),
        "invisible": sorted(set(invisible) | set(spaces)),
    }


def visible(character: str) -> str:
    """Return a character in a printable form: a space as "␣", an invisible character as its code point."""
    if character == " ":
        return "␣"
    plain = character.isprintable() and not unicodedata.combining(character[0])
    return character if plain else "+".join(f"U+{ord(point):04X}" for point in character)


def listed(characters: Sequence[str], limit: int = _SHOWN) -> str:
    """Join the first few characters in printable form, with the number of the rest."""
    more = len(characters) - limit
    return " ".join(map(visible, characters[:limit])) + (f" ... ({more:,} more)" if more > 0 else "")


def judge_characters(report: Report, source: BaseSource, characters: Counter[str]) -> None:
    """Add a remark for characters of a dataset that hint at faulty labels."""
    for what, found in odd_characters(characters).items():
        if found:
            report.remarks.append(f"{source.name}: characters that are {what}: {listed(found, 10)}")


def report_characters(report: Report, sources: list[Source], censuses: list[Census]) -> None:
    """Add the character statistics of training and test data, and the test characters that training lacks."""
    training: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    for source, census in zip(sources, censuses, strict=True):
        (training if source.is_training else tests).update(census.characters)
        _judge(report, source, census)
    lines = []
    for name, counts in (("training", training), ("test", tests)):
        if not counts:
            continue
        ordered = [character for character, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        rare = [character for character in ordered if counts[character] < RARE]
        lines.append(f"{name}: {len(counts):,} different, {sum(counts.values()):,} in all")
        lines.append(f"  most frequent  {listed(ordered, 20)}")
        if rare:
            lines.append(f"  under {RARE} times  {listed(rare)}")
    single = sum(census.single for source, census in zip(sources, censuses, strict=True) if source.is_training)
    if single:
        lines.append(f"training words of one character, which teach no affinity: {single:,}")
    unseen = [character for character in sorted(tests) if character not in training]
    if training and unseen:
        lines.append(f"in the tests, but never in training: {listed(unseen)}")
    if not all(census.whole for census in censuses):
        seen, total = sum(census.looked for census in censuses), sum(len(source.reader) for source in sources)
        lines.append(f"counted in {seen:,} of {total:,} images")
    report.figures["characters"] = {
        "training": dict(training.most_common()),
        "test": dict(tests.most_common()),
        "unseen": unseen if training else [],
    }
    report.section("Characters (don't-care words aside)", lines)


def _judge(report: Report, source: Source, census: Census) -> None:
    judge_characters(report, source, census.characters)
    if census.textless:
        share = percent(len(census.textless), census.words)
        report.remarks.append(
            f"{source.name}: {counted(len(census.textless), 'word')} ({share}) without text and not marked as "
            f"don't care, so their characters are unknown (e.g. {some(census.textless)})"
        )
