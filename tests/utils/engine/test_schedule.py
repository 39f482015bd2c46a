"""Learning rates in closed form."""

from __future__ import annotations

import pytest

from config.schema.training import Training
from utils.engine.schedule import learning_rate


def test_step_schedule_of_easyocr():
    """lr0 * gamma^k, k counting whole multiples of lr_decay, with the shipped values of the synthetic recipe."""
    settings = Training(lr=1e-4, lr_decay=15000, gamma=0.2, end_iter=50000)
    for iteration, expected in [(0, 1e-4), (14999, 1e-4), (15000, 2e-5), (30000, 4e-6), (45000, 8e-7), (49999, 8e-7)]:
        assert learning_rate(iteration, settings) == pytest.approx(expected)


def test_cosine_with_warm_up():
    settings = Training(lr=1.0, schedule="cosine", warmup_iter=10, end_iter=110)
    assert learning_rate(0, settings) == pytest.approx(0.1)
    assert learning_rate(9, settings) == pytest.approx(1.0)
    assert learning_rate(10, settings) == pytest.approx(1.0)
    assert learning_rate(60, settings) == pytest.approx(0.5)
    assert 0 < learning_rate(109, settings) < 1e-3


def test_constant():
    settings = Training(lr=0.3, schedule="constant", end_iter=10)
    assert learning_rate(9, settings) == 0.3
