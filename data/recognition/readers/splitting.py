"""A random split of pictures into training and test, determined by a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from config.errors import UserError
from config.schema.word_crops import ListedWords


def in_part(names: Sequence[str], config: ListedWords, source: Path) -> list[bool]:
    """Tell for each picture whether it belongs to the part that the dataset asks for.

    The pictures with the smallest hashes of seed and name are the test. So the order of the names does not matter, and
    most pictures stay in their part when others are added.

    Args:
        names: of all pictures, each once.
        config: the dataset's section, `part` other than `all`.
        source: folder of the pictures, for the message.

    Raises:
        UserError: one of the parts would be empty.
    """
    count = config.test_count if config.test_count is not None else round(config.test_share * len(names))
    if not 0 < count < len(names):
        key = "test_count" if config.test_count is not None else "test_share"
        raise UserError(
            f"{source}: `{key}` puts {count:,} of {len(names):,} pictures into the test, so that one of the parts is "
            f"empty; set `{key}` to a number between"
        )
    order = sorted(range(len(names)), key=lambda row: (_rank(config.seed, names[row]), names[row]))
    test = set(order[:count])
    return [(row in test) == (config.part == "test") for row in range(len(names))]


def _rank(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}\x1f{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
