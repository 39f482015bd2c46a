"""Settings of the text and the fonts of generated data."""

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
    """Return a single file as a list."""
    return [value] if isinstance(value, str) else value


_OneOrMore = Annotated[list[str], Field(min_length=1)]
Files = Annotated[
    list[UserPath], Field(min_length=1), BeforeValidator(_as_list, json_schema_input_type=str | _OneOrMore)
]


class TextSettings(Section):
    """The text of generated data."""

    language: str = "en"
    """Language of the words, as a code that the package `wordfreq` knows (`en`, `de`, `ru`, ...)."""
    word_list: Files | None = None
    """UTF-8 text file, or a list of several, that replaces the word list of the language: one word per line, or a word,
    a tab and its count. Without counts, the most frequent word comes first. `#` does not start a comment."""
    vocabulary: PositiveInt = 30000
    """Number of words: the most frequent ones are used."""
    commonness: UnitFloat = 0.5
    """1 draws words as often as they occur in the language, 0 draws all equally often."""
    alphabet: str | None = None
    """All characters that may occur; null uses ASCII letters, digits, common punctuation and the letters of the most
    frequent words of the language. A font that lacks one of them is left out."""
    exclude: list[str] = [
        *("fuck", "shit", "cunt", "bitch", "nigg", "faggot", "whore", "slut", "porn", "rapist", "nazi", "hitler"),
    ]
    """Words that contain one of these strings are not used. The default removes the most offensive English words; give
    your own list for another language."""
    length: CountRange = [1, 12]
    """Minimum and maximum number of characters of a word, with its punctuation."""
    kinds: Weights = {
        "word": 0.8,
        "number": 0.06,
        "price": 0.04,
        "date": 0.03,
        "time": 0.02,
        "code": 0.03,
        "email": 0.02,
    }
    """Relative frequency of each kind of word. `random` makes random strings of the alphabet with a `length` in the
    given range: `alphabet: "0123456789"` and `kinds: {random: 1}` give digits only."""
    case: CaseWeights = {"lower": 0.45, "title": 0.3, "upper": 0.25}
    """Relative frequency of lower case, a capital first letter, capitals, and `mixed` case for words of the list."""
    punctuation: UnitFloat = 0.1
    """Probability that a word carries a punctuation mark, quotes or brackets."""


class FontSettings(Section):
    """The fonts of generated data."""

    folder: UserPath | None = None
    """Folder that is searched for `.ttf`, `.otf` and `.ttc` files; null uses the fonts of the requirements."""
    weight: WeightRange = [300, 900]
    """Minimum and maximum weight (400 is regular, 700 bold); a family without such a weight uses its nearest one."""
    italic: UnitFloat = 0.15
    """Probability of italics, where the family has them."""
    letter_spacing: SpacingRange = [-0.02, 0.12]
    """Extra space between letters, in units of the font size."""
