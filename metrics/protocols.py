"""What a text is reduced to before it is compared: published scores differ in the characters that they look at."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable

_LISTS = {
    "36": frozenset(string.digits + string.ascii_lowercase),
    "62": frozenset(string.digits + string.ascii_letters),
    "94": frozenset(string.digits + string.ascii_letters + string.punctuation),
}

PROTOCOLS = ("full", *_LISTS)
"""Names that `protocol` knows."""


def protocol(name: str) -> Callable[[str], str]:
    """Return the function that both reference and prediction go through.

    - "full": Unicode's NFC and nothing else.
    - "36": lower case, then all but 0-9 and a-z removed. What "accuracy" means in most papers (Baek et al., "What Is
      Wrong With Scene Text Recognition Model Comparisons?", ICCV 2019, whose code does the same).
    - "62": all but 0-9, a-z and A-Z removed, case kept.
    - "94": all but the printable characters of ASCII removed, spaces too, case kept.

    Letters with accents are removed as other characters are, not replaced by those without.

    Raises:
        ValueError: there is no such protocol.
    """
    if name == "full":
        return _nfc
    if name not in _LISTS:
        raise ValueError(f"there is no protocol {name!r}, only {', '.join(PROTOCOLS)}")
    return _Restricted(_LISTS[name], lower=name == "36")


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


class _Restricted:
    """Keeps the characters of a set; a class, so that it can be pickled."""

    def __init__(self, kept: frozenset[str], *, lower: bool) -> None:
        self._kept = kept
        self._lower = lower

    def __call__(self, text: str) -> str:
        text = _nfc(text)
        if self._lower:
            text = text.lower()
        return "".join(character for character in text if character in self._kept)
