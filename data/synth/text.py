"""Drawing the words of a scene: words of a language, numbers, prices, dates, times, codes and e-mail addresses."""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np

from config.errors import UserError
from config.schema.generation import TextSettings
from data.synth.draws import pick, pick_by, running_shares
from data.synth.partition import Partition

_PUNCTUATION = string.punctuation + "£€“”„«»’"
_TRIES = 200


def core(text: str) -> str:
    """Return what makes two written words the same word: no case, no punctuation around it."""
    return text.casefold().strip(_PUNCTUATION)


class TextSource:
    """Draws the words of one split.

    No word, number or date of one split occurs in another one, whatever its case or punctuation: each belongs
    to the split that the hash of its core names.

    Args:
        settings: what is written.
        words: the word list of the whole job.
        weights: float [len(words)], how often each is drawn.
        alphabet: every character that may occur.
        partition: the division into splits.
        split: the split to draw for.

    Raises:
        UserError: words are asked for and none of the list is left for this split.
    """

    def __init__(
        self,
        settings: TextSettings,
        words: list[str],
        weights: np.ndarray,
        alphabet: str,
        partition: Partition,
        split: str,
    ) -> None:
        self._settings = settings
        self._alphabet = frozenset(alphabet)
        self._partition = partition
        self._split = split
        makers: dict[str, Callable[[np.random.Generator], str]] = {
            "word": self._word,
            "number": _number,
            "price": _price,
            "date": _date,
            "time": _time,
            "code": _code,
            "email": self._email,
        }
        self._makers = [makers[kind] for kind in settings.kinds]
        self._kind_shares = running_shares(list(settings.kinds.values()))
        self._cases = list(settings.case)
        self._case_shares = running_shares(list(settings.case.values()))
        keep = [index for index, word in enumerate(words) if self._usable(word)]
        self._words = [words[index] for index in keep]
        if not self._words and (settings.kinds.get("word", 0) > 0 or settings.kinds.get("email", 0) > 0):
            raise UserError(
                f"Of {len(words):,} words none is left for the split '{split}' with this text.alphabet and "
                f"text.length: widen them, give a longer text.word_list, or set the weights of word and email in "
                f"text.kinds to 0."
            )
        self._word_shares = running_shares(weights[keep]) if keep else np.zeros(0)
        self._pairs = [pair for pair in ("()", "[]", '""', "''", "“”") if self._alphabet.issuperset(pair)]
        self._marks = [mark for mark in ",.,.!?:;" if mark in self._alphabet]

    @property
    def words(self) -> list[str]:
        """The words of the list that belong to this split."""
        return self._words

    def draw(self, rng: np.random.Generator, longest: int | None = None) -> str:
        """Return one written word, without spaces, of at most `longest` characters where the list has such."""
        limit = min(self._settings.length[1], longest or self._settings.length[1])
        shortest = ""
        for _ in range(_TRIES):
            maker = pick_by(rng, self._makers, self._kind_shares)
            text = maker(rng)
            if maker != self._word and not self._usable(text):
                continue
            if len(text) > limit:
                shortest = text if not shortest or len(text) < len(shortest) else shortest
                continue
            return self._decorate(rng, text, limit)
        if shortest:
            return shortest
        raise UserError(
            f"No text can be made for the split '{self._split}' from this text.alphabet, text.length and text.kinds: "
            f"widen the alphabet, or weigh other kinds."
        )

    def _usable(self, text: str) -> bool:
        return (
            self._settings.length[0] <= len(text) <= self._settings.length[1]
            and self._alphabet.issuperset(text)
            and self._partition.owner(core(text)) == self._split
        )

    def _word(self, rng: np.random.Generator) -> str:
        word = pick_by(rng, self._words, self._word_shares)
        case = pick_by(rng, self._cases, self._case_shares)
        cased = {"lower": word, "title": word[:1].upper() + word[1:], "upper": word.upper()}[case]
        return cased if len(cased) == len(word) and self._alphabet.issuperset(cased) else word

    def _email(self, rng: np.random.Generator) -> str:
        name, host = (pick(rng, self._words).replace("'", "") for _ in range(2))
        return f"{name}@{host}.{pick(rng, ('com', 'org', 'net', 'de', 'info'))}"

    def _decorate(self, rng: np.random.Generator, text: str, limit: int) -> str:
        if rng.random() >= self._settings.punctuation:
            return text
        if self._marks and len(text) < limit and rng.random() < 0.7:
            return text + pick(rng, self._marks)
        if self._pairs and len(text) + 1 < limit:
            pair = pick(rng, self._pairs)
            return pair[0] + text + pair[1]
        return text


def _number(rng: np.random.Generator) -> str:
    value = int(rng.integers(0, 10 ** int(rng.integers(1, 7))))
    form = rng.random()
    if form < 0.2:
        return f"{value:,}"
    if form < 0.35:
        return f"{value / 10:.1f}"
    if form < 0.45:
        return f"{value % 101}%"
    return str(value)


def _price(rng: np.random.Generator) -> str:
    value = int(rng.integers(1, 10 ** int(rng.integers(2, 6)))) / 100
    amount = f"{value:.2f}" if rng.random() < 0.75 else str(max(1, round(value)))
    sign = "$£€"[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    return sign + amount


def _date(rng: np.random.Generator) -> str:
    year, month, day = int(rng.integers(1900, 2040)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    forms = (
        f"{day:02}/{month:02}/{year}",
        f"{day:02}.{month:02}.{year % 100:02}",
        f"{year}-{month:02}-{day:02}",
        str(year),
    )
    return pick(rng, forms)


def _time(rng: np.random.Generator) -> str:
    return f"{int(rng.integers(0, 24))}:{int(rng.integers(0, 60)):02}"


def _code(rng: np.random.Generator) -> str:
    letters = "".join(rng.choice(list(string.ascii_uppercase), int(rng.integers(1, 4))))
    digits = str(int(rng.integers(1, 10 ** int(rng.integers(2, 5)))))
    return letters + ("-" if rng.random() < 0.4 else "") + digits
