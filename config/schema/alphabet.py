"""The characters a recogniser can write, as they stand in a configuration."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator

VISIBLE = {" ": "␣", "\u00a0": "⍽", "\u3000": "□"}
"""Spaces, which nobody sees in a list, as they are printed."""


def checked_characters(characters: str) -> str:
    """Return an alphabet, characters in the order of the classes, as it is.

    Raises:
        ValueError: there is none, one is there twice, or one is a control character or not of Unicode's NFC.
    """
    if not characters:
        raise ValueError("there is no character in it")
    seen: set[str] = set()
    for character in characters:
        if character in seen:
            raise ValueError(f"the character {character_name(character)} is there twice")
        if unicodedata.category(character) in ("Cc", "Cs"):
            raise ValueError(f"the control character {character_name(character)} is in it")
        seen.add(character)
    if unicodedata.normalize("NFC", characters) != characters:
        # A mark may follow a letter in the list and not be meant to join it: only single ones are judged.
        wrong = [char for char in characters if unicodedata.normalize("NFC", char) != char]
        if wrong:
            raise ValueError(
                f"{character_name(wrong[0])} does not occur in text of Unicode's NFC; give its composed form"
            )
    return characters


def character_name(character: str) -> str:
    """Return a character with its code point, for a message; what cannot be printed by its code point alone."""
    code = f"U+{ord(character):04X}"
    shown = VISIBLE.get(character, character)
    return f"'{shown}' ({code})" if shown.isprintable() else code


Characters = Annotated[str, AfterValidator(checked_characters)]
"""An alphabet in the order of the network's classes."""
