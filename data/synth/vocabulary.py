"""The word list and the alphabet of a generation job."""

from __future__ import annotations

import string
import unicodedata
from pathlib import Path

import numpy as np

from config.errors import UserError, nearest
from config.schema.generation import TextSettings

ASCII_ALPHABET = string.ascii_letters + string.digits + "!\"#$%&'()*+,-./:;=?@_£"
_LETTERS_FROM = 5000
"""The alphabet of a language is made of the letters of so many of its commonest words."""


def load_words(settings: TextSettings) -> tuple[list[str], np.ndarray]:
    """Return the word list and how often each word is to be drawn.

    Returns:
        Words in NFC, commonest first, without repeats, and float64 weights of the same length: the
        frequencies to the power `commonness`.

    Raises:
        UserError: the language or the file is not there, or holds no word that is wanted.
    """
    if settings.word_list is not None:
        words = _words_of_file(Path(settings.word_list))
        # A list without counts is taken to follow Zipf's law.
        frequencies = 1.0 / np.arange(1, len(words) + 1)
    else:
        words, frequencies = _words_of_language(settings.language, settings.vocabulary)
    unwanted = [part.casefold() for part in settings.exclude]
    kept = [index for index, word in enumerate(words) if not any(part in word.casefold() for part in unwanted)]
    kept = kept[: settings.vocabulary]
    if not kept:
        raise UserError("text.exclude leaves no word of the list: shorten it.")
    words, frequencies = [words[index] for index in kept], np.asarray(frequencies)[kept]
    return words, np.asarray(frequencies, np.float64) ** settings.commonness


def _words_of_file(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"The word list {path} cannot be read ({error}): give text.word_list a UTF-8 file with one word per line."
        ) from error
    words = list(dict.fromkeys(unicodedata.normalize("NFC", line.strip()) for line in text.splitlines()))
    words = [word for word in words if word and not any(character.isspace() for character in word)]
    if not words:
        raise UserError(f"The word list {path} has no line with a single word: write one word per line.")
    return words


def _words_of_language(language: str, count: int) -> tuple[list[str], np.ndarray]:
    import wordfreq  # takes a while to import, and is not needed with a word list

    known = wordfreq.available_languages("best")
    if language not in known:
        guess = nearest(language, known)
        hint = f"did you mean '{guess}'?" if guess else f"known are {', '.join(sorted(known))}."
        raise UserError(f"text.language is '{language}', for which there is no word list: {hint}")
    frequencies = wordfreq.get_frequency_dict(language, wordlist="best")
    words = []
    for word in wordfreq.top_n_list(language, count * 2, wordlist="best"):
        word = unicodedata.normalize("NFC", word)
        # wordfreq writes every digit of a number as 0; numbers are made elsewhere.
        if all(character.isalpha() or character in "'’-" for character in word) and word[0].isalpha():
            words.append(word)
        if len(words) == count:
            break
    return words, np.array([frequencies.get(word, 1e-9) for word in words])


def make_alphabet(settings: TextSettings, words: list[str]) -> str:
    """Return the characters that may occur, sorted and without the space.

    Raises:
        UserError: the alphabet is empty, or has characters of a script whose letters join, combine or run from
            right to left, which this generator would draw wrongly.
    """
    if settings.alphabet is not None:
        characters = set(unicodedata.normalize("NFC", settings.alphabet))
    else:
        letters = {character for word in words[:_LETTERS_FROM] for character in word if character.isalpha()}
        # Only letters that both cases of a word need: "ß".upper() is two letters, for which nothing is promised.
        both = {form for character in letters for form in (character, character.upper()) if len(form) == 1}
        characters = set(ASCII_ALPHABET) | both
    characters = {character for character in characters if not character.isspace()}
    if not characters:
        raise UserError("text.alphabet is empty: list the characters to write, or set it to null.")
    for character in sorted(characters):
        if unicodedata.category(character)[0] == "M" or unicodedata.bidirectional(character) in ("R", "AL"):
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            raise UserError(
                f"The alphabet contains {name}, but combining and right-to-left scripts cannot be drawn yet: "
                f"choose another text.language or text.alphabet."
            )
    return "".join(sorted(characters))
