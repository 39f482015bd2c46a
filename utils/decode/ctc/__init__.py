"""From a recogniser's scores to text: the best path, the most probable text, or the closest word of a list."""

from model.head import Reading
from utils.decode.ctc.beam import beam_search, decode_beam
from utils.decode.ctc.head import CtcHead
from utils.decode.ctc.lexicon import Lexicon, decode_lexicon
from utils.decode.ctc.reading import decode_greedy
from utils.decode.ctc.scores import text_probabilities

__all__ = [
    "CtcHead",
    "Lexicon",
    "Reading",
    "beam_search",
    "decode_beam",
    "decode_greedy",
    "decode_lexicon",
    "text_probabilities",
]
