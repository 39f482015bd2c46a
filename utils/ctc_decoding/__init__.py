"""From a recogniser's scores to text: the best path, the most probable text, or the closest word of a list."""

from utils.ctc_decoding.beam import Hypothesis, beam_search, decode_beam
from utils.ctc_decoding.greedy import decode_greedy
from utils.ctc_decoding.lexicon import Lexicon, decode_lexicon
from utils.ctc_decoding.reading import Reading
from utils.ctc_decoding.scores import fold_case, text_probabilities

__all__ = [
    "Hypothesis",
    "Lexicon",
    "Reading",
    "beam_search",
    "decode_beam",
    "decode_greedy",
    "decode_lexicon",
    "fold_case",
    "text_probabilities",
]
