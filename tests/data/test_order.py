"""Principle 2: what stands at a position is a function of seed and position."""

from __future__ import annotations

import numpy as np
import pytest

from data.order import SampleOrder, StreamBatchSampler, position_rng


def test_every_pass_holds_every_sample_once_in_another_order():
    order = SampleOrder(50, seed=3)
    passes = [[order[position] for position in range(start, start + 50)] for start in (0, 50, 100)]
    assert all(sorted(samples) == list(range(50)) for samples in passes)
    assert passes[0] != passes[1] != passes[2]


def test_positions_can_be_asked_for_in_any_order():
    forward = SampleOrder(7, seed=1)
    expected = [forward[position] for position in range(100)]
    backward = SampleOrder(7, seed=1)
    assert [backward[position] for position in reversed(range(100))] == expected[::-1]
    assert [SampleOrder(7, seed=2)[position] for position in range(100)] != expected


def test_processes_share_out_the_same_global_batches():
    single = list(StreamBatchSampler(8, 3, 6))
    shared = [list(StreamBatchSampler(8, 3, 6, rank, 2)) for rank in range(2)]
    assert [sorted(a + b) for a, b in zip(*shared, strict=True)] == single
    assert shared[0][0] == [24, 26, 28, 30]  # every second one, so that both get their part of each dataset of a mix
    assert single[0] == list(range(24, 32)) and len(StreamBatchSampler(8, 3, 6)) == 3


@pytest.mark.parametrize(("samples", "world", "accumulate"), [(8, 1, 1), (8, 2, 2), (5, 2, 1), (11, 2, 3), (6, 1, 4)])
def test_micro_batches_share_out_a_step_and_weigh_as_many_samples_as_they_have(samples, world, accumulate):
    samplers = [StreamBatchSampler(samples, 2, 4, rank, world, accumulate) for rank in range(world)]
    batches = [list(sampler) for sampler in samplers]
    assert all(
        len(rank_batches) == len(sampler) == 2 * accumulate
        for rank_batches, sampler in zip(batches, samplers, strict=True)
    )
    second = sorted(position for rank_batches in batches for batch in rank_batches[accumulate:] for position in batch)
    assert second == list(range(3 * samples, 4 * samples))
    values = np.random.default_rng(0).random(4 * samples)
    means = [
        sampler.weight(micro) * np.mean(values[rank_batches[micro]])
        for sampler, rank_batches in zip(samplers, batches, strict=True)
        for micro in range(accumulate)
    ]
    # Micro-batches are added up, processes averaged.
    assert np.isclose(sum(means) / world, values[2 * samples : 3 * samples].mean())


def test_a_process_without_a_sample_is_refused():
    with pytest.raises(ValueError, match="3 samples are too few for 2 processes and 2 micro-batches"):
        StreamBatchSampler(3, 0, 1, 0, 2, 2)


def test_a_resumed_stream_goes_on_where_the_first_one_stopped():
    whole = list(StreamBatchSampler(5, 0, 10))
    assert list(StreamBatchSampler(5, 0, 4)) + list(StreamBatchSampler(5, 4, 10)) == whole


def test_random_choices_differ_between_positions_and_repeat():
    draws = {position: position_rng(1, position).random(4).tolist() for position in range(20)}
    assert len({tuple(draw) for draw in draws.values()}) == 20
    assert np.allclose(position_rng(1, 7).random(4), draws[7])
