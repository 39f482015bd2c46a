"""Shares of datasets in a batch."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import UserError
from data.recognition.shares import batch_counts, used_samples


@pytest.mark.parametrize(
    ("ratios", "size", "counts"),
    [
        ([0.5, 0.5], 192, [96, 96]),
        ([0.5, 0.5], 5, [3, 2]),
        ([1.0], 32, [32]),
        ([3, 1], 32, [24, 8]),
        ([0.3, 0.3, 0.4], 10, [3, 3, 4]),
        ([1, 1, 1], 32, [11, 11, 10]),
        ([0.1, 0.2, 0.7], 10, [1, 2, 7]),  # 0.7 * 10 is 7.000000000000001 or 6.999999999999999
        ([0.999, 0.001], 8, [7, 1]),  # one sample at least
        ([0.9, 0.05, 0.05], 4, [2, 1, 1]),
        ([0.5, 0, 0.5], 4, [2, 0, 2]),
        ([0.49, 0.31, 0.2], 3, [1, 1, 1]),
    ],
)
def test_counts(ratios: list[float], size: int, counts: list[int]) -> None:
    assert batch_counts(ratios, size) == counts


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6).filter(any), st.integers(6, 300))
def test_counts_are_those_of_exact_arithmetic(weights: list[int], size: int) -> None:
    counts = batch_counts([weight / 7 for weight in weights], size)
    assert sum(counts) == size
    exact = [Fraction(weight * size, sum(weights)) for weight in weights]
    assert all((count > 0) == (weight > 0) for count, weight in zip(counts, weights, strict=True))
    if all(share >= 1 or share == 0 for share in exact):
        floors = [int(share) for share in exact]
        assert all(floor <= count <= floor + 1 for floor, count in zip(floors, counts, strict=True))
        # Whoever got one more has no smaller remainder than whoever did not.
        more = [share - floor for share, floor, count in zip(exact, floors, counts, strict=True) if count > floor]
        less = [share - floor for share, floor, count in zip(exact, floors, counts, strict=True) if count == floor]
        assert not more or not less or min(more) >= max(less)


def test_used_samples() -> None:
    assert used_samples(10, 1.0) == 10 and used_samples(10, 0.29) == 2 and used_samples(3, 0.01) == 1
    assert used_samples(100, 0.29) == 29  # 28.999999999999996


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batch_counts([], 4), "batch_ratio is \\[\\]"),
        (lambda: batch_counts([0, 0], 4), "give one number above 0 for each dataset"),
        (lambda: batch_counts([0.5, -0.5], 4), "give one number above 0"),
        (lambda: batch_counts([0.5, float("nan")], 4), "give one number above 0"),
        (lambda: batch_counts([1, 1, 1], 2), r"batch_size \(2\) is less than one sample for each of 3 datasets"),
        (lambda: used_samples(5, 0), "total_data_usage_ratio is 0"),
        (lambda: used_samples(5, 1.5), "total_data_usage_ratio is 1.5"),
    ],
)
def test_mistakes_are_one_sentence(call, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
