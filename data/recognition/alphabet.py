"""The characters that a recogniser can write.

Class 0 of the network is CTC's blank (Graves et al., ICML 2006); the character at index k of the list is class k + 1.
A character is a code point of text in Unicode's NFC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from config.schema.alphabet import VISIBLE, checked_characters

BLANK = 0


class Alphabet:
    """An ordered list of characters.

    Args:
        characters: each of them once, in the order of the classes.

    Raises:
        ValueError: there is no character, one occurs twice, or one is a control character or not in NFC.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = checked_characters("".join(characters))
        self._classes = {character: index for index, character in enumerate(self.characters, start=1)}

    @property
    def classes(self) -> int:
        """Number of classes of the network: the characters and the blank."""
        return len(self.characters) + 1

    def __len__(self) -> int:
        return len(self.characters)

    def __contains__(self, character: object) -> bool:
        return character in self._classes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alphabet) and other.characters == self.characters

    def __hash__(self) -> int:
        return hash(self.characters)

    def encode(self, text: str) -> list[int]:
        """Return the class of each character.

        Raises:
            KeyError: one of them is not in the alphabet; see `unknown`.
        """
        return [self._classes[character] for character in text]

    def decode(self, classes: Sequence[int]) -> str:
        """Return the characters of classes without blanks; repeats are not merged (see `utils.decode.ctc`)."""
        return "".join(self.characters[index - 1] for index in classes if index != BLANK)

    def unknown(self, text: str) -> list[str]:
        """Return the characters of a text that are not in the alphabet, each once, in their order."""
        return list(dict.fromkeys(character for character in text if character not in self._classes))

    def visible(self) -> str:
        """Return the characters on one line, with visible signs for spaces."""
        return "".join(VISIBLE.get(character, character) for character in self.characters)
