"""Dividing words, fonts and photos among the splits, so that no item is in two splits.

A test on fonts and words of the training split would reward memorisation. The split of an item is a function of the
seed and of its name, and independent of processes and of the order in which items are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.errors import UserError
from data.draws import stable_hash


@dataclass(frozen=True)
class Partition:
    """The shares of the splits, and the rules that divide items by them.

    Attributes:
        seed: of the job.
        shares: split -> its share of everything; they add up to 1.
    """

    seed: int
    shares: Mapping[str, float]

    @classmethod
    def of(cls, splits: Mapping[str, int], holdout: float, seed: int) -> Partition:
        """Give every split the share `holdout`, and the split with the most items all the rest."""
        largest = max(splits, key=lambda name: (splits[name], name == "train"))
        shares = {name: holdout for name in splits if name != largest}
        shares[largest] = 1.0 - sum(shares.values())
        return cls(seed, {name: shares[name] for name in splits})

    def owner(self, name: str) -> str:
        """Return the split of a name by its hash; for items that cannot be listed, such as words."""
        position = stable_hash(self.seed, "owner", name) / 2**64
        for split, share in self.shares.items():
            position -= share
            if position < 0:
                return split
        return next(iter(self.shares))

    def divide(self, groups: Mapping[str, Sequence[str]], what: str) -> dict[str, list[str]]:
        """Divide items so that each group is spread over the splits as evenly as its size allows.

        Args:
            groups: kind -> names; a font's kind is serif, mono and so on.
            what: plural name of the items, for the error.

        Returns:
            Split -> its names, sorted.

        Raises:
            UserError: there are fewer items than splits.
        """
        order = [
            name
            for kind in sorted(groups)
            for name in sorted(groups[kind], key=lambda name: stable_hash(self.seed, what, name))
        ]
        if len(order) < len(self.shares):
            raise UserError(
                f"{len(self.shares)} splits need at least as many {what}, for they share none, but there are only "
                f"{len(order)}: add {what}, or leave splits out."
            )
        parts: dict[str, list[str]] = {split: [] for split in self.shares}
        for count, name in enumerate(order, start=1):
            neediest = max(self.shares, key=lambda split: self.shares[split] * count - len(parts[split]))
            parts[neediest].append(name)
        for split in parts:
            if not parts[split]:
                richest = max(parts, key=lambda other: len(parts[other]))
                parts[split].append(parts[richest].pop())
        return {split: sorted(names) for split, names in parts.items()}
