"""The meaning of SynthText's strings, the same for `gt.mat` and `.h5` files.

A string holds one or more words separated by spaces and newlines and may be padded with them. `wordBB` has one box for
each word, `charBB` one for each character that is not white space, both in reading order. A character is a grapheme
cluster of `data.graphemes`. Some generators drew one box for each code point instead: if only the count of code points
fits the boxes, characters are code points. In ASCII and most Latin text the two are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from data.graphemes import count_clusters


def join_strings(strings: Iterable[str]) -> str:
    """Join the strings of one image into one text with the same words; padding by NUL counts as white space."""
    return "\n".join(strings).replace("\0", " ")


def split_words(text: str) -> list[str]:
    """Return the words of an image's text in reading order, as they are written."""
    return text.split()


def count_characters(words: Sequence[str], boxes: int) -> list[int] | None:
    """Return how many of an image's character boxes each word has, or None if the counts do not fit.

    Args:
        words: the words as they are written, before any normalisation.
        boxes: number of the image's character boxes.
    """
    counts = [count_clusters(word) for word in words]
    if sum(counts) == boxes:
        return counts
    counts = [len(word) for word in words]
    return counts if sum(counts) == boxes else None
