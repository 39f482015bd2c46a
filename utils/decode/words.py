"""How a recogniser's scores become text, as a section under `test` or the command line says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from config.errors import UserError
from config.schema.recognition import RecognitionTest
from data.graphemes import nfc
from data.recognition.alphabet import Alphabet
from utils.decode.ctc import Lexicon, Reading, decode_beam, decode_greedy


@dataclass(frozen=True)
class WordDecoding:
    """How scores become text; the fields are those of `config.schema.recognition.RecognitionTest`."""

    decode: str = "greedy"
    beam_width: int = 10
    lexicon: Lexicon | None = None

    @classmethod
    def of(cls, test: RecognitionTest, alphabet: Alphabet, fold: Callable[[str], str] = str) -> WordDecoding:
        """Return the decoding of an evaluation; `fold` is done to the words of its list, as it is to labels.

        Raises:
            UserError: the word list cannot be used.
        """
        lexicon = None if test.lexicon is None else open_lexicon(test.lexicon, alphabet, fold)
        return cls(test.decode, test.beam_width, lexicon)

    def __call__(self, logits: Tensor, lengths: Tensor, alphabet: Alphabet) -> list[Reading]:
        if self.decode == "beam" or self.lexicon is not None:
            return decode_beam(logits, lengths, alphabet, beam_width=self.beam_width, lexicon=self.lexicon)
        return decode_greedy(logits, lengths, alphabet)

    def __str__(self) -> str:
        if self.lexicon is not None:
            return f"the most probable of {len(self.lexicon):,} words"
        return f"beam search with {self.beam_width} hypotheses" if self.decode == "beam" else "greedy decoding"


def open_lexicon(path: str, alphabet: Alphabet, fold: Callable[[str], str] = str) -> Lexicon:
    """Return the words of a file, one a line, as a list to read by.

    Args:
        path: a text file in UTF-8.
        alphabet: of the network.
        fold: what is done to labels before they are compared, such as `str.lower`.

    Raises:
        UserError: it cannot be read, or the alphabet can write none of its words.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise UserError(f"lexicon {path} cannot be read as a text of words, one a line ({fault})") from fault
    try:
        return Lexicon((fold(nfc(line.strip())) for line in lines if line.strip()), alphabet)
    except ValueError as fault:
        raise UserError(f"lexicon {path}: {fault}") from fault
