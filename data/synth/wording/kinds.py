"""Texts other than words: numbers, prices, dates, times, telephone numbers, codes, and random strings."""

from __future__ import annotations

import string
import unicodedata

import numpy as np

from data.draws import pick, whole


def number(rng: np.random.Generator) -> str:
    """Return a number of up to six digits: plain, with a thousands separator, with decimals, or a percentage."""
    value = int(rng.integers(0, 10 ** int(rng.integers(1, 7))))
    form = rng.random()
    if form < 0.2:
        return f"{value:,}"
    if form < 0.35:
        return f"{value / 10:.1f}"
    if form < 0.45:
        return f"{value % 101}%"
    return str(value)


def price(rng: np.random.Generator) -> str:
    """Return an amount in dollars, pounds or euros."""
    value = int(rng.integers(1, 10 ** int(rng.integers(2, 6)))) / 100
    amount = f"{value:.2f}" if rng.random() < 0.75 else str(max(1, round(value)))
    sign = "$£€"[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    return sign + amount


def date(rng: np.random.Generator) -> str:
    """Return a date from 1900 to 2039 in one of three forms, or only the year."""
    year, month, day = int(rng.integers(1900, 2040)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    forms = (
        f"{day:02}/{month:02}/{year}",
        f"{day:02}.{month:02}.{year % 100:02}",
        f"{year}-{month:02}-{day:02}",
        str(year),
    )
    return pick(rng, forms)


def time(rng: np.random.Generator) -> str:
    """Return a time of day, hours and minutes."""
    return f"{int(rng.integers(0, 24))}:{int(rng.integers(0, 60)):02}"


def phone(rng: np.random.Generator) -> str:
    """Return a telephone number: local, or with an area or country code."""
    local = f"{int(rng.integers(200, 1000))}-{int(rng.integers(0, 10000)):04}"
    area = int(rng.integers(200, 1000))
    return pick(rng, (local, f"({area}){local}", f"{area}-{local}", f"+{int(rng.integers(1, 99))}-{area}-{local}"))


def code(rng: np.random.Generator) -> str:
    """Return one to three capitals and up to four digits, as on number plates and airport gates."""
    letters = "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(1, 4))))
    digits = str(int(rng.integers(1, 10 ** int(rng.integers(2, 5)))))
    return letters + ("-" if rng.random() < 0.4 else "") + digits


class RandomStrings:
    """Random strings: characters of an alphabet and lengths of a range, all with equal probabilities.

    Letters of right-to-left scripts are not mixed with other characters, because the order would be ambiguous. A mark
    comes only after a letter of the same script, at most one on each letter.

    Args:
        alphabet: every character that may occur.
        length: least and greatest number of characters.
    """

    def __init__(self, alphabet: str, length: list[int]) -> None:
        self._length = length
        marks = [character for character in alphabet if unicodedata.category(character)[0] == "M"]
        bases = [character for character in alphabet if unicodedata.category(character)[0] not in "MC"]
        leftwards = [character for character in bases if unicodedata.bidirectional(character) in ("R", "AL")]
        others = [character for character in bases if character not in leftwards]
        self._pools = [pool for pool in (others, leftwards) for _ in pool]
        self._marks: dict[str, list[str]] = {}
        for mark in marks:
            self._marks.setdefault(_script(mark), []).append(mark)

    def __call__(self, rng: np.random.Generator) -> str:
        """Return a string in NFC, or an empty one if the alphabet has only marks."""
        if not self._pools:
            return ""
        pool = pick(rng, self._pools)
        count = whole(rng, self._length)
        text = ""
        while len(text) < count:
            marks = self._marks.get(_script(text[-1]), []) if self._marks and text and text[-1] in pool else []
            choice = int(rng.integers(len(pool) + len(marks)))
            text += pool[choice] if choice < len(pool) else marks[choice - len(pool)]
        return unicodedata.normalize("NFC", text)


def _script(character: str) -> str:
    """Return the first word of a character's name, which for letters and vowel signs is the script."""
    return unicodedata.name(character, "?").split()[0]
