"""A test of some pictures of a dataset before it is used: all may be damaged although the labels are right."""

from __future__ import annotations

from config.errors import UserError
from data.reader import UnreadableSample
from data.recognition.sample import WordReader

_PICTURES = 64
"""Greatest number of pictures to test, spread evenly over the dataset."""


def refuse_unreadable(reader: WordReader, source: str) -> None:
    """Raise `UserError` if more than half of the tested pictures cannot be read.

    Fewer are no reason to refuse a dataset: a training set counts them and takes other samples instead.

    Args:
        reader: the dataset.
        source: name of the dataset, for the message.
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
