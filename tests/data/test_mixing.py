from __future__ import annotations

import pytest

from data.order import MixedTrainingSet


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def __getitem__(self, position: int) -> tuple[str, int]:
        return self.name, position


def test_every_block_holds_its_share_and_no_position_is_lost() -> None:
    mixed = MixedTrainingSet([Named("words"), Named("synthetic"), Named("none")], [5, 2, 0])
    items = [mixed[position] for position in range(7 * 20)]
    for block in range(20):
        names = [name for name, _ in items[7 * block : 7 * block + 7]]
        assert names == ["words"] * 5 + ["synthetic"] * 2
    assert [position for name, position in items if name == "words"] == list(range(100))
    assert [position for name, position in items if name == "synthetic"] == list(range(40))


def test_a_set_does_not_notice_what_it_is_mixed_with() -> None:
    alone, mixed = MixedTrainingSet([Named("a")], [3]), MixedTrainingSet([Named("b"), Named("a")], [4, 3])
    assert [alone[p] for p in range(9)] == [item for item in map(mixed.__getitem__, range(21)) if item[0] == "a"]


@pytest.mark.parametrize("counts", [[], [0], [1, 1], [-1]])
def test_impossible_shares(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be mixed"):
        MixedTrainingSet([Named("a")], counts)
