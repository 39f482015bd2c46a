"""A look at some pictures of a dataset before it is used: all of one may be damaged, and its labels not tell."""

from __future__ import annotations

from config.errors import UserError
from data.reader import UnreadableSample
from data.recognition.sample import WordReader

_PICTURES = 64
"""So many are looked at, spread evenly; of a small dataset all."""


def refuse_unreadable(reader: WordReader, source: str) -> None:
    """Raise `UserError` where more than half of the pictures looked at cannot be read.

    Fewer are no reason to refuse a dataset: whoever iterates counts them and takes others.

    Args:
        reader: the dataset.
        source: what to call it.
    """
    looked_at = min(_PICTURES, len(reader))
    faults: list[UnreadableSample] = []
    for index in range(looked_at):
        try:
            reader[index * len(reader) // looked_at]
        except UnreadableSample as fault:
            faults.append(fault)
    if 2 * len(faults) > looked_at:
        raise UserError(
            f"{source}: {len(faults)} of {looked_at} pictures looked at cannot be read (e.g. {faults[0]}); "
            "make or copy this dataset again, or check its `root`"
        )
