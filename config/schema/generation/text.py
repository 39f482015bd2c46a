"""Settings of what is written and with which fonts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from config.schema.base import NonNegativeFloat, PositiveInt, Section, UnitFloat, UserPath
from config.schema.generation.ranges import CountRange, SpacingRange, WeightRange

TextKind = Literal["word", "number", "price", "date", "time", "code", "email", "url", "phone", "random"]
LetterCase = Literal["lower", "title", "upper", "mixed"]
Weights = Annotated[dict[TextKind, NonNegativeFloat], Field(min_length=1)]
CaseWeights = Annotated[dict[LetterCase, NonNegativeFloat], Field(min_length=1)]


def _as_list(value: Any) -> Any:
    """Let a single file stand for the list of it."""
    return [value] if isinstance(value, str) else value


_OneOrMore = Annotated[list[str], Field(min_length=1)]
Files = Annotated[
    list[UserPath], Field(min_length=1), BeforeValidator(_as_list, json_schema_input_type=str | _OneOrMore)
]


class TextSettings(Section):
    """What is written."""

    language: str = "en"
    """Language of the words, as a code that the package `wordfreq` knows (`en`, `de`, `ru`, ...)."""
    word_list: Files | None = None
    """UTF-8 text file, or a list of several, used instead of the language's own list: one word per line, or a word, a
    tab and its count. Without counts, the commonest word comes first. `#` begins no comment."""
    vocabulary: PositiveInt = 30000
    """So many of the commonest words are used."""
    commonness: UnitFloat = 0.5
    """1 draws words as often as they occur in the language, 0 draws all equally often."""
    alphabet: str | None = None
    """Every character that may occur; null takes ASCII letters, digits, common punctuation and the letters of
    the language's commonest words. A font that lacks one of them is left out."""
    exclude: list[str] = [
        *("fuck", "shit", "cunt", "bitch", "nigg", "faggot", "whore", "slut", "porn", "rapist", "nazi", "hitler"),
    ]
    """Words that contain one of these are not drawn. The default keeps the coarsest of the English list's out of
    pictures that people show around; give your own for another language."""
    length: CountRange = [1, 12]
    """Least and greatest number of characters of a word, with its punctuation."""
    kinds: Weights = {
        "word": 0.8,
        "number": 0.06,
        "price": 0.04,
        "date": 0.03,
        "time": 0.02,
        "code": 0.03,
        "email": 0.02,
    }
    """How often a word of each kind is drawn, as relative weights. `random` makes strings of any characters of the
    alphabet, of any `length`: with `alphabet: "0123456789"` and `kinds: {random: 1}` data of digits alone."""
    case: CaseWeights = {"lower": 0.45, "title": 0.3, "upper": 0.25}
    """How often a word of the list is set in lower case, with a capital, in capitals, or with letters of `mixed` case,
    as relative weights."""
    punctuation: UnitFloat = 0.1
    """Probability that a word carries a punctuation mark, quotes or brackets."""


class FontSettings(Section):
    """Which fonts write it."""

    folder: UserPath | None = None
    """Folder searched for `.ttf`, `.otf` and `.ttc` files; null takes the fonts installed with the requirements."""
    weight: WeightRange = [300, 900]
    """Least and greatest weight (400 is regular, 700 bold); a family without any keeps the nearest one it has."""
    italic: UnitFloat = 0.15
    """Probability of italics, where the family has them."""
    letter_spacing: SpacingRange = [-0.02, 0.12]
    """Extra space between letters, in units of the font size."""
