"""The word list and the alphabet of a generation job."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Mapping

import numpy as np

from config.errors import UserError, nearest
from config.optional import optional_package
from config.schema.generation import TextSettings
from data.graphemes import count_clusters, nfc
from data.reader import DropReport
from data.synth.setting.shaping import require_shaping
from data.synth.wording.word_list import JOINERS, read_word_lists

ASCII_ALPHABET = string.ascii_letters + string.digits + "!\"#$%&'()*+,-./:;=?@_£"
_LETTERS_FROM = 5000
"""The alphabet of a language is made of the letters of this many of its most frequent words."""


def load_words(settings: TextSettings, report: DropReport | None = None) -> tuple[list[str], np.ndarray]:
    """Return the word list and how often each word is to be drawn.

    Args:
        settings: the list and which of its words are used.
        report: counts the words that are left out.

    Returns:
        W words in NFC, the most frequent first, without repeats, and their weights, float64 [W]: the frequencies to
        the power `commonness`.

    Raises:
        UserError: the language or a file does not exist, or has no usable word.
    """
    report = DropReport() if report is None else report
    if settings.word_list is not None:
        words, frequencies = read_word_lists(settings.word_list, report)
    else:
        words, frequencies = _words_of_language(settings.language, settings.vocabulary)
    kept = []
    for index, word in enumerate(words):
        if coarse(word, settings.exclude):
            report.drop("word list: named by text.exclude", f"line {index + 1}")
        else:
            kept.append(index)
    if not kept:
        raise UserError("text.exclude leaves no word of the list: shorten it.")
    if len(kept) > settings.vocabulary:
        first = words[kept[settings.vocabulary]]
        report.drop("word list: rarer than text.vocabulary takes", first, len(kept) - settings.vocabulary)
        kept = kept[: settings.vocabulary]
    return [words[index] for index in kept], np.asarray(frequencies, np.float64)[kept] ** settings.commonness


def coarse(text: str, exclude: list[str]) -> bool:
    """Return whether the text contains one of `text.exclude`, in any case."""
    folded = nfc(text.casefold())
    return any(nfc(part.casefold()) in folded for part in exclude)


def _words_of_language(language: str, count: int) -> tuple[list[str], np.ndarray]:
    # Imported here, because it is slow to import and not needed with a word list.
    wordfreq = optional_package("wordfreq", "generate", f"the word list of text.language={language}")

    known = wordfreq.available_languages("best")
    if language not in known:
        guess = nearest(language, known)
        hint = f"did you mean '{guess}'?" if guess else f"known are {', '.join(sorted(known))}."
        raise UserError(f"text.language is '{language}', for which there is no word list: {hint}")
    frequencies = wordfreq.get_frequency_dict(language, wordlist="best")
    found: dict[str, float] = {}
    for word in wordfreq.top_n_list(language, count * 2, wordlist="best"):
        # wordfreq has 0 for every digit of a number; numbers are made in `kinds`.
        if word[0].isalpha() and word[-1] not in JOINERS and all(map(_is_part, word)):
            # The more frequent of two spellings with the same NFC.
            found.setdefault(unicodedata.normalize("NFC", word), frequencies[word])
        if len(found) == count:
            break
    return list(found), np.array(list(found.values()))


def _is_letter(character: str) -> bool:
    """Return whether a character is a letter, a mark (vowel sign, accent), or a joiner."""
    return character.isalpha() or character in JOINERS or unicodedata.category(character)[0] == "M"


def _is_part(character: str) -> bool:
    return _is_letter(character) or character in "'’-"


def make_alphabet(settings: TextSettings, words: list[str]) -> str:
    """Return the characters that may occur, sorted and without the space.

    Raises:
        UserError: the alphabet is empty, or has characters that combine, join or run from right to left, and Pillow
            has no raqm to draw them with.
    """
    if settings.alphabet is not None:
        characters = set(unicodedata.normalize("NFC", settings.alphabet))
    else:
        letters = {character for word in words[:_LETTERS_FROM] for character in word if _is_letter(character)}
        # Only cases that are single letters: "ß".upper() is two letters.
        forms = {form for character in letters for form in (character, character.upper()) if len(form) == 1}
        characters = set(ASCII_ALPHABET) | forms
    characters = {character for character in characters if not character.isspace()}
    if not characters:
        raise UserError("text.alphabet is empty: list the characters to write, or set it to null.")
    require_shaping(characters)
    return "".join(sorted(characters))


def written_form(word: str, cases: Mapping[str, float], alphabet: frozenset[str]) -> str | None:
    """Return the word as in the list if the alphabet can write it, else in a case that the settings allow, or None.

    So an alphabet of capitals can be used with a list in lower case, and the other way round.

    Args:
        word: of the list.
        cases: `text.case`.
        alphabet: every character that may occur.
    """
    if alphabet.issuperset(word):
        return word
    forms = {
        "lower": (word.lower(),),
        "title": (word[:1].title() + word[1:], word[:1].title() + word[1:].lower()),
        "upper": (word.upper(),),
        "mixed": (word.upper(), word.lower()),
    }
    for case, written in forms.items():
        for form in written if cases.get(case, 0) > 0 else ():
            # If lower case does not lead back to the same word ("ı", "I", "i"), the form is another word.
            if len(form) == len(word) and alphabet.issuperset(form) and form.lower() == word.lower():
                return form
    return None


def fitting_words(settings: TextSettings, words: list[str], alphabet: str, report: DropReport) -> list[int]:
    """Return the indices of the words that `text.alphabet` and `text.length` allow; `report` counts the others."""
    least, most = settings.length
    letters = frozenset(alphabet)
    kept = []
    for index, word in enumerate(words):
        if count_clusters(word) < least:
            report.drop("word list: shorter than text.length allows", word)
        elif count_clusters(word) > most:
            report.drop("word list: longer than text.length allows", word)
        elif written_form(word, settings.case, letters) is None:
            report.drop("word list: characters outside the alphabet", word)
        else:
            kept.append(index)
    return kept
