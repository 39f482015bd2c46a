"""Normalisation of texts before they are compared: published scores differ in the characters that they compare.

A word protocol is a function from text to text in a file of this folder, registered under the name that
`test.NAME.protocol` gives. Both the reference and the prediction go through it.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable

from config.registry import Registry

WORD_PROTOCOLS: Registry[Callable[[str], str]] = Registry("word protocol", "test.NAME.protocol", package="metrics")

protocol = WORD_PROTOCOLS.get
"""Return the function of a name; raises `UserError` if there is none."""

_ALPHANUMERIC = frozenset(string.digits + string.ascii_letters)
_PRINTABLE = _ALPHANUMERIC | frozenset(string.punctuation)


@WORD_PROTOCOLS.register("full")
def full(text: str) -> str:
    """Unicode's NFC and nothing else."""
    return unicodedata.normalize("NFC", text)


@WORD_PROTOCOLS.register("36")
def lower_alphanumeric(text: str) -> str:
    """Lower case, then all but 0-9 and a-z removed: what "accuracy" means in most papers.

    Baek et al., "What Is Wrong With Scene Text Recognition Model Comparisons?", ICCV 2019, whose code does the same.
    Letters with accents are removed like other characters, not replaced by letters without accents; this is also true
    for "62" and "94".
    """
    return _only(_ALPHANUMERIC, full(text).lower())


@WORD_PROTOCOLS.register("62")
def alphanumeric(text: str) -> str:
    """All but 0-9, a-z and A-Z removed, case kept."""
    return _only(_ALPHANUMERIC, full(text))


@WORD_PROTOCOLS.register("94")
def printable(text: str) -> str:
    """All but the printable characters of ASCII removed, spaces too, case kept."""
    return _only(_PRINTABLE, full(text))


def _only(kept: frozenset[str], text: str) -> str:
    return "".join(character for character in text if character in kept)
