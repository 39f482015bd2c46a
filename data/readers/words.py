"""The meaning of SynthText's strings, in one place for `gt.mat` and `.h5` files.

A string holds one or more words parted by spaces and newlines and may be padded with them. `wordBB` has one box
for each word, `charBB` one for each character that is not white space, both in reading order. A character is a
code point: the generator drew and boxed one glyph at a time.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def join_strings(strings: Iterable[str]) -> str:
    """Join the strings of one image into one text with the same words; padding by NUL counts as white space."""
    return "\n".join(strings).replace("\0", " ")


def split_words(text: str) -> list[str]:
    """Return the words of an image's text in reading order, each as `normalise_word` leaves it."""
    words = text.split()
    return words if text.isascii() else [normalise_word(word) for word in words]


def normalise_word(word: str) -> str:
    """Return `word` in Unicode's NFC unless that changes the number of code points, each of which has a box."""
    normal = unicodedata.normalize("NFC", word)
    return normal if len(normal) == len(word) else word
