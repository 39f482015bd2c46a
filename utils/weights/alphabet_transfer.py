"""Fine-tuning a recogniser on another alphabet: the weights of the characters that both alphabets have are kept.

Only the last layer depends on the characters: it has a row of weights and a bias for each class
(`Recognizer.class_parameters`). The rows of shared characters and of the blank are copied to their new indices, the
other rows keep the random initial weights of the new model, and all other layers are copied. The same rule handles
another order of the same characters, which would otherwise give wrong readings without an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from config.errors import UserError
from data.recognition.alphabet import BLANK, Alphabet
from model.recognizer import Recognizer
from utils.weights.files import load_into


@dataclass(frozen=True)
class AlphabetTransfer:
    """What happened to the characters.

    Attributes:
        kept: characters of both alphabets, in the new order; their rows were copied, as was the blank's.
        new: characters of the new alphabet only; their rows start at random.
        dropped: characters of the old alphabet only, in its order.
    """

    kept: str
    new: str
    dropped: str

    def __str__(self) -> str:
        lines = [
            ("kept", self.kept, "with their trained weights, like the blank"),
            ("new", self.new, "with random initial weights"),
            ("dropped", self.dropped, "no longer read"),
        ]
        return "\n".join(f"  {name:<7} {len(text):>5}  {_visible(text)}  ({what})" for name, text, what in lines)


def load_for_alphabet(
    model: Recognizer,
    state: Mapping[str, Tensor],
    path: object,
    new: Alphabet,
    old: Alphabet | None = None,
    specials: Sequence[str] = ("the blank",),
) -> AlphabetTransfer:
    """Load weights that were trained with another alphabet; every other parameter must fit exactly.

    Args:
        model: a newly initialised recogniser that scores the classes of `new`.
        state: the weights, see `utils.weights.files.state_dict_of`; those in `class_parameters` are [classes, ...].
        path: the file they come from, for messages.
        new: the alphabet of `model`.
        old: the alphabet of the weights. None if it is not known: then it must be `new`, and only the number of classes
            can be checked.
        specials: the classes that are no character, see `model.head.Head`.

    Returns:
        What happened to the characters, as a text for the log.

    Raises:
        UserError: the weights do not fit, or have another number of classes than `old` or `new`.
    """
    rows = state.get(model.class_parameters[0])
    if rows is not None and rows.dim() == 2 and len(rows) != len(old or new) + len(specials):
        found = (
            f"{path} scores {len(rows)} classes, which are {len(rows) - len(specials)} characters and "
            f"{' and '.join(specials)}"
        )
        if old is None:
            raise UserError(
                f"{found}, and this model {len(new) + len(specials)}: give in train.ckpt_characters the alphabet that "
                "the weights were trained with; then the characters that both have are kept"
            )
        raise UserError(
            f"{found}, but the alphabet given for it (train.ckpt_characters, or its own) has {len(old)} characters: "
            "give the one it was trained with"
        )
    if old is None or old == new:
        load_into(model, state, path)
        return AlphabetTransfer(new.characters, "", "")
    kept = [character for character in new.characters if character in old]
    targets, sources = (
        [BLANK, *alphabet.encode("".join(kept)), *range(len(alphabet) + 1, len(alphabet) + len(specials))]
        for alphabet in (new, old)
    )
    moved = dict(state)
    current = model.state_dict()
    for name in model.class_parameters:
        # If the other dimensions differ, `load_into` raises the error.
        rows = state.get(name)
        if rows is not None and rows.shape[1:] == current[name].shape[1:] and len(rows) == len(old) + len(specials):
            moved[name] = current[name].clone()
            moved[name][targets] = rows[sources].to(current[name])
    load_into(model, moved, path)
    return AlphabetTransfer("".join(kept), "".join(old.unknown(new.characters)), "".join(new.unknown(old.characters)))


def _visible(characters: str) -> str:
    return Alphabet(characters).visible() if characters else "-"
