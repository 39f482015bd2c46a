from __future__ import annotations

from itertools import chain
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.order import SampleOrder, StreamBatchSampler
from data.recognition.buckets import WidthOrder, padding_share
from data.recognition.preprocess import WordPreprocess
from data.recognition.widths import input_widths

IIIT5K = Path(__file__).resolve().parents[4] / "shared" / "data" / "iiit5k"


def slow_order(widths: np.ndarray, seed: int, batch: int, batches: int, window: int) -> list[int]:
    """The samples of a window, pass by pass and place by place."""
    span, size = batch * batches, len(widths)
    base = SampleOrder(size, seed)
    slots = np.random.default_rng((seed, 3, window)).permutation(batches)
    shuffle = np.random.default_rng((seed, 4, window)).random(span)
    result: list[int] = [-1] * span
    for pass_index in range(window * span // size, ((window + 1) * span - 1) // size + 1):
        offsets = [o for o in range(span) if (window * span + o) // size == pass_index]
        samples = [base[window * span + o] for o in offsets]
        places = sorted(offsets, key=lambda o: (slots[o // batch], shuffle[o]))
        for place, sample in zip(places, sorted(samples, key=lambda index: widths[index]), strict=True):
            result[place] = sample
    return result


@given(
    size=st.integers(1, 60), seed=st.integers(0, 5), batch=st.integers(1, 8), batches=st.integers(1, 9),
    kinds=st.integers(1, 40),
)  # fmt: skip
def test_order_equals_its_plain_twin(size: int, seed: int, batch: int, batches: int, kinds: int) -> None:
    widths = np.random.default_rng(seed).integers(0, kinds, size)
    order = WidthOrder(size, seed, batch, widths, batches=batches)
    for window in (0, 1, 5):
        first = window * batch * batches
        positions = range(first, first + batch * batches)
        assert [order[p] for p in positions] == slow_order(widths, seed, batch, batches, window)


@given(size=st.integers(1, 300), batch=st.integers(1, 16), batches=st.integers(1, 12))
def test_every_pass_holds_every_sample_once(size: int, batch: int, batches: int) -> None:
    widths = np.random.default_rng(size).integers(10, 99, size).astype(np.int16)
    order = WidthOrder(size, 3, batch, widths, batches=batches)
    for pass_index in range(3):
        assert sorted(order[p] for p in range(pass_index * size, (pass_index + 1) * size)) == list(range(size))


def test_positions_can_be_asked_for_in_any_order() -> None:
    widths = np.random.default_rng(0).integers(10, 500, 70)
    forward, backward = (WidthOrder(70, 1, 4, widths, batches=5) for _ in range(2))
    expected = [forward[position] for position in range(300)]
    assert [backward[position] for position in reversed(range(300))] == expected[::-1]
    assert [WidthOrder(70, 2, 4, widths, batches=5)[position] for position in range(300)] != expected


@pytest.mark.parametrize("world", [1, 2, 4])
def test_processes_and_resumed_runs_see_the_same_batches(world: int) -> None:
    widths, total = np.random.default_rng(0).integers(10, 500, 500), 16
    whole = WidthOrder(500, 1, total, widths, batches=8)
    expected = [[whole[p] for p in range(step * total, (step + 1) * total)] for step in range(40)]
    parts = []
    for rank in range(world):
        order = WidthOrder(500, 1, total, widths, batches=8)  # its own, begun at step 13
        parts.append([[order[p] for p in positions] for positions in StreamBatchSampler(total, 13, 40, rank, world)])
    joined = [sorted(chain(*shares)) for shares in zip(*parts, strict=True)]
    assert joined == [sorted(batch) for batch in expected[13:]]


def test_batches_are_alike_inside_and_come_in_random_order() -> None:
    widths = np.random.default_rng(0).permutation(np.arange(1, 641))
    order = WidthOrder(640, 5, 10, widths, batches=64)  # one window is one pass
    means = []
    for step in range(64):
        in_batch = sorted(widths[order[p]] for p in range(step * 10, step * 10 + 10))
        assert in_batch[-1] - in_batch[0] == 9  # ten neighbours
        means.append(float(np.mean(in_batch)))
    assert abs(np.corrcoef(np.arange(64), means)[0, 1]) < 0.3
    assert np.corrcoef(means[:-1], means[1:])[0, 1] < 0.3
    again = {frozenset(order[p] for p in range(640 + step * 10, 650 + step * 10)) for step in range(64)}
    assert len(again) == 64


def test_which_sample_is_wide_does_not_depend_on_the_place_in_the_batch() -> None:
    widths = np.random.default_rng(0).permutation(np.arange(6400))
    order = WidthOrder(6400, 5, 100, widths, batches=64)
    ranks = np.array([np.argsort(np.argsort([widths[order[s * 100 + o]] for o in range(100)])) for s in range(64)])
    assert np.abs(ranks.mean(axis=0) - 49.5).max() < 5 * 28.9 / 8  # five standard errors


def test_mixed_datasets_are_narrow_and_wide_together() -> None:
    rng = np.random.default_rng(0)
    widths, other = rng.integers(10, 400, 3000), rng.integers(10, 400, 700)
    first = WidthOrder(3000, 1, 20, widths, schedule_seed=1)
    second = WidthOrder(700, 9, 12, other, schedule_seed=1)
    alone = WidthOrder(700, 9, 12, other)
    steps = range(300)
    mean_one = [widths[[first[s * 20 + o] for o in range(20)]].mean() for s in steps]
    mean_other = [other[[second[s * 12 + o] for o in range(12)]].mean() for s in steps]
    unrelated = [other[[alone[s * 12 + o] for o in range(12)]].mean() for s in steps]
    assert np.corrcoef(mean_one, mean_other)[0, 1] > 0.98
    assert abs(np.corrcoef(mean_one, unrelated)[0, 1]) < 0.2


def test_widths_are_asked_for_a_window_at_a_time() -> None:
    class Asked:
        def __init__(self) -> None:
            self.asked: list[int] = []

        def __getitem__(self, indices: np.ndarray) -> np.ndarray:
            self.asked.append(len(indices))
            return indices % 7

    widths = Asked()
    order = WidthOrder(300_000, 1, 4, widths, batches=8)
    assert len({order[p] for p in range(32)}) == 32 and widths.asked == [32]
    order[32]
    assert widths.asked == [32, 32]


def test_padding_share_is_its_definition() -> None:
    assert padding_share(np.array([10, 20, 30, 30]), 2) == 1 - 90 / (40 + 60)
    assert padding_share(np.array([10, 20, 30, 30, 99]), 2) == 1 - 90 / (40 + 60)
    assert padding_share(np.full(6, 32), 3) == 0


@pytest.mark.skipif(not IIIT5K.is_dir(), reason="the IIIT5K pictures are not there")
def test_padding_of_real_words() -> None:
    """Half of the training words of IIIT5K, 32 a batch: far less than at random, or up to 600."""
    paths = sorted((IIIT5K / "train").iterdir())[::2]
    sizes = np.array([cv2.imread(str(path)).shape[:2] for path in paths], np.int32)
    preprocess = WordPreprocess(height=32)
    widths = input_widths(sizes, preprocess)
    order, plain = WidthOrder(len(widths), 1, 32, widths), SampleOrder(len(widths), 1)
    positions = range(20 * len(widths) // 32 * 32)
    bucketed = padding_share(widths[[order[p] for p in positions]], 32)
    at_random = padding_share(widths[[plain[p] for p in positions]], 32)
    assert bucketed < 0.2
    assert at_random > 0.5
    assert 1 - widths.mean() / 600 > 0.8


@pytest.mark.parametrize("values", [(0, 1, 1), (1, 0, 1), (1, 1, 0)])
def test_impossible_orders(values: tuple[int, int, int]) -> None:
    size, batch, batches = values
    with pytest.raises(ValueError, match="no order"):
        WidthOrder(size, 1, batch, np.zeros(1), batches=batches)
