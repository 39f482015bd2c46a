"""Drawing the texts of a scene or a crop: words of a list, and the other kinds of `text.kinds`."""

from __future__ import annotations

import hashlib
import logging
import string
from collections.abc import Callable, Iterable

import numpy as np

from config.errors import UserError
from config.schema.generation import TextSettings
from data.draws import pick, pick_by, running_shares
from data.graphemes import count_clusters
from data.reader import DropReport
from data.synth.partition import Partition
from data.synth.wording import kinds
from data.synth.wording.vocabulary import coarse, fitting_words, load_words, make_alphabet, written_form

logger = logging.getLogger(__name__)

_PUNCTUATION = string.punctuation + "£€“”„«»’"
_FROM_WORDS = ("word", "email", "url")
_TRIES = 200
"""Number of attempts to draw a text that is short enough; after them the shortest is used."""
_MOST_TRIES = 20_000
"""Number of attempts to draw any text: a split may have a hundredth of all texts, and few of a kind may fit."""


def core(text: str) -> str:
    """Return a word without case and without surrounding punctuation: texts with the same core are the same word."""
    folded = text.casefold()
    return folded.strip(_PUNCTUATION) or folded


def load_texts(
    settings: TextSettings, partition: Partition, splits: Iterable[str], report: DropReport
) -> tuple[str, dict[str, TextSource]]:
    """Return the alphabet of a job and the source of each split's texts.

    Args:
        settings: what is written.
        partition: the division into splits.
        splits: the splits to draw for.
        report: counts the words of the list that are left out, by reason.

    Raises:
        UserError: the settings name something that does not exist, or leave nothing to write.
    """
    wanted = any(settings.kinds.get(kind, 0) > 0 for kind in _FROM_WORDS)
    # The list is also needed for its letters.
    words, weights = load_words(settings, report) if wanted or settings.alphabet is None else ([], np.zeros(0))
    alphabet = make_alphabet(settings, words)
    kept = fitting_words(settings, words, alphabet, report) if wanted else []
    if wanted:
        out = [f"{count:,} {reason.removeprefix('word list: ')}" for reason, count in report.dropped.items()]
        logger.info("Words: %s are used%s.", f"{len(kept):,}", f"; left out: {', '.join(out)}" if out else "")
    sources = {
        split: TextSource(settings, [words[index] for index in kept], weights[kept], alphabet, partition, split)
        for split in splits
    }
    impossible = next(iter(sources.values())).impossible_kinds()
    if 0 < len(impossible) < sum(weight > 0 for weight in settings.kinds.values()):  # None at all is an error later.
        logger.warning(
            "text.kinds weighs %s, of which text.alphabet and text.length leave nothing to write.",
            ", ".join(impossible),
        )
    return alphabet, sources


class TextSource:
    """Draws the words of one split.

    No word, number or date of one split occurs in another one, whatever its case or punctuation: the hash of its core
    determines its split.

    Args:
        settings: what is written.
        words: W words, those of all splits that alphabet and length allow.
        weights: float [W], how often each is drawn.
        alphabet: every character that may occur.
        partition: the division into splits.
        split: the split to draw for.

    Raises:
        UserError: words have a weight in `text.kinds`, but the list has none for this split.
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
            "number": kinds.number,
            "price": kinds.price,
            "date": kinds.date,
            "time": kinds.time,
            "code": kinds.code,
            "email": self._email,
            "url": self._url,
            "phone": kinds.phone,
            "random": kinds.RandomStrings(alphabet, settings.length),
        }
        self._makers = {kind: makers[kind] for kind in settings.kinds}
        self._kinds = list(settings.kinds)
        self._kind_shares = running_shares(list(settings.kinds.values()))
        self._cases = list(settings.case)
        self._case_shares = running_shares(list(settings.case.values()))
        keep = [index for index, word in enumerate(words) if partition.owner(core(word)) == split]
        self._words = [words[index] for index in keep]
        if not self._words and any(settings.kinds.get(kind, 0) > 0 for kind in _FROM_WORDS):
            raise UserError(
                f"Of {len(words):,} words that fit text.alphabet and text.length none is left for the split '{split}': "
                f"widen them, give a longer text.word_list, or weigh only kinds without words, such as "
                f"text.kinds={{random: 1}}."
            )
        self._word_shares = running_shares(weights[keep]) if keep else np.zeros(0)
        self._pairs = [pair for pair in ("()", "[]", '""', "''", "“”") if self._alphabet.issuperset(pair)]
        self._marks = [mark for mark in ",.,.!?:;" if mark in self._alphabet]

    @property
    def words(self) -> list[str]:
        """The words of the list that belong to this split."""
        return self._words

    def fingerprint(self) -> str:
        """Return a hash of the words and of how often each is drawn."""
        digest = hashlib.sha256("\n".join(self._words).encode())
        digest.update(self._word_shares.astype("<f8").tobytes())
        return digest.hexdigest()[:16]

    def draw(self, rng: np.random.Generator, longest: int | None = None) -> str:
        """Return one written word, without spaces.

        Args:
            rng: source of randomness.
            longest: greatest number of characters, if the settings can make such a short word; `text.length` is always
                respected.

        Raises:
            UserError: alphabet, length and kinds leave this split nothing to write.
        """
        limit = min(self._settings.length[1], longest or self._settings.length[1])
        shortest = ""
        for tried in range(_MOST_TRIES):
            if shortest and tried >= _TRIES:
                return shortest
            kind = pick_by(rng, self._kinds, self._kind_shares)
            text = self._makers[kind](rng)
            if kind != "word" and not self._usable(kind, text):
                continue
            if count_clusters(text) > limit:
                shortest = text if not shortest or count_clusters(text) < count_clusters(shortest) else shortest
                continue
            return self._decorate(rng, text, limit)
        raise UserError(
            f"No text can be made for the split '{self._split}' from this text.alphabet, text.length and text.kinds: "
            f"widen the alphabet, or weigh other kinds."
        )

    def impossible_kinds(self) -> list[str]:
        """Return the kinds with a weight of which alphabet and length seem to allow no text, in any split."""
        rng = np.random.default_rng(0)
        weighed = [kind for kind in self._kinds if self._settings.kinds[kind] > 0]
        return [kind for kind in weighed if not any(self._fits(self._makers[kind](rng)) for _ in range(2000))]

    def _fits(self, text: str) -> bool:
        least, most = self._settings.length
        return least <= count_clusters(text) <= most and self._alphabet.issuperset(text)

    def _usable(self, kind: str, text: str) -> bool:
        return (
            self._fits(text)
            and self._partition.owner(core(text)) == self._split
            and not (kind == "random" and coarse(text, self._settings.exclude))
        )

    def _word(self, rng: np.random.Generator) -> str:
        word = pick_by(rng, self._words, self._word_shares)
        case = pick_by(rng, self._cases, self._case_shares)
        if case == "mixed":
            cased = self._mixed(rng, word)
        else:
            cased = {"lower": word, "title": word[:1].title() + word[1:], "upper": word.upper()}[case]
        if len(cased) == len(word) and self._alphabet.issuperset(cased):
            return cased
        return written_form(word, self._settings.case, self._alphabet) or word

    def _mixed(self, rng: np.random.Generator, word: str) -> str:
        """Return the word with a random case for each letter, if the alphabet has both."""
        text = ""
        for letter, capital in zip(word, rng.random(len(word)) < 0.5, strict=True):
            forms = [form for form in (letter.upper(), letter.lower()) if len(form) == 1 and form in self._alphabet]
            text += letter if not forms else forms[0] if capital else forms[-1]
        return text

    def _email(self, rng: np.random.Generator) -> str:
        name, host = (pick(rng, self._words).replace("'", "") for _ in range(2))
        return f"{name}@{host}.{pick(rng, ('com', 'org', 'net', 'de', 'info'))}"

    def _url(self, rng: np.random.Generator) -> str:
        host, page = (pick(rng, self._words).replace("'", "") for _ in range(2))
        address = f"{host}.{pick(rng, ('com', 'org', 'net', 'de', 'eu'))}"
        return pick(rng, (address, f"www.{address}", f"{address}/{page}", f"https://{address}"))

    def _decorate(self, rng: np.random.Generator, text: str, limit: int) -> str:
        if rng.random() >= self._settings.punctuation:
            return text
        if not text.strip(_PUNCTUATION):
            # With another mark it would be another text, which may belong to another split.
            return text
        if self._marks and count_clusters(text) < limit and rng.random() < 0.7:
            return text + pick(rng, self._marks)
        if self._pairs and count_clusters(text) + 1 < limit:
            pair = pick(rng, self._pairs)
            return pair[0] + text + pair[1]
        return text
