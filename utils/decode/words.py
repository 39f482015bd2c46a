"""Decoding the scores of a recogniser with the settings of a test or of the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from config.errors import UserError
from config.schema.model import RecognizerModel
from config.schema.recognition import RecognitionTest
from data.graphemes import nfc
from data.recognition.alphabet import Alphabet
from model.head import Head, Reading
from model.recognizer import RECOGNIZERS
from utils.decode.ctc.head import CtcHead
from utils.decode.ctc.lexicon import Lexicon


def make_head(settings: RecognizerModel, alphabet: Alphabet) -> Head:
    """Return the head of the recogniser that a configuration names.

    Raises:
        UserError: there is no such recogniser.
    """
    return (RECOGNIZERS.get(settings.architecture).head or CtcHead)(alphabet)


@dataclass(frozen=True)
class WordDecoding:
    """The decoding of scores; the fields are those of `config.schema.recognition.RecognitionTest`.

    Raises:
        UserError: beam search or a lexicon is set, but the head cannot search.
    """

    head: Head
    decode: str = "greedy"
    beam_width: int = 10
    lexicon: Lexicon | None = None

    def __post_init__(self) -> None:
        if self._searches and not self.head.can_search:
            wanted = "a lexicon" if self.lexicon is not None else "decode=beam"
            raise UserError(f"{wanted} works for recognisers trained with CTC only, and this is not one; leave it out")

    @classmethod
    def of(cls, test: RecognitionTest, head: Head, fold: Callable[[str], str] = str) -> WordDecoding:
        """Return the decoding of an evaluation; `fold` is applied to the words of its lexicon, as to labels.

        Raises:
            UserError: the lexicon cannot be used, or the head has no such decoding.
        """
        lexicon = None if test.lexicon is None else open_lexicon(test.lexicon, head.alphabet, fold)
        return cls(head, test.decode, test.beam_width, lexicon)

    @property
    def _searches(self) -> bool:
        return self.decode == "beam" or self.lexicon is not None

    def __call__(self, scores: Tensor, lengths: Tensor) -> list[Reading]:
        """Read a batch: logits float32 [B, T, classes], and the time steps of each picture, int64 [B] on the CPU."""
        if self._searches:
            return self.head.search(scores, lengths, beam_width=self.beam_width, lexicon=self.lexicon)
        return self.head.decode(scores, lengths)

    def __str__(self) -> str:
        if self.lexicon is not None:
            return f"the most probable of {len(self.lexicon):,} words"
        return f"beam search with {self.beam_width} hypotheses" if self.decode == "beam" else "greedy decoding"


def open_lexicon(path: str, alphabet: Alphabet, fold: Callable[[str], str] = str) -> Lexicon:
    """Return the lexicon of a file with one word per line.

    Args:
        path: a text file in UTF-8.
        alphabet: that of the network.
        fold: applied to the words, as to labels before they are compared, such as `str.lower`.

    Raises:
        UserError: it cannot be read, or the alphabet can write none of its words.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"lexicon {path} cannot be read as a text file with one word per line ({fault})") from fault
    try:
        return Lexicon((fold(nfc(line.strip())) for line in lines if line.strip()), alphabet)
    except ValueError as fault:
        raise UserError(f"lexicon {path}: {fault}") from fault
