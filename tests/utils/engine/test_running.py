"""Means over the iterations that count."""

from __future__ import annotations

import pytest
import torch

from utils.engine.running import RunningMeans


def scalars(loss, norm=1.0):
    return {"loss": torch.tensor(loss), "grad_norm": torch.tensor(norm)}


def test_means_leave_out_what_is_not_finite():
    means = RunningMeans()
    for loss, norm in [(1.0, 2.0), (float("nan"), 1.0), (4.0, float("inf")), (3.0, 4.0)]:
        means.add(scalars(loss, norm))
    assert means.read() == {"loss": 2.0, "grad_norm": 3.0}
    means.add(scalars(float("inf")))
    assert means.read()["loss"] is None


def test_saved_and_restored_sums_go_on_exactly():
    values = [0.1, 0.7, 1.3, 0.2]
    whole, first, second = RunningMeans(), RunningMeans(), RunningMeans()
    for value in values:
        whole.add(scalars(value))
    for value in values[:2]:
        first.add(scalars(value))
    second.restore(first.state(), torch.device("cpu"))
    for value in values[2:]:
        second.add(scalars(value))
    assert second.read() == whole.read()


def test_nothing_added():
    empty = RunningMeans()
    assert empty.read() == {}
    other = RunningMeans()
    other.restore(empty.state(), torch.device("cpu"))
    other.add(scalars(2.0))
    assert other.read()["loss"] == pytest.approx(2.0)
