from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from data.augment.levels import two_percentiles


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 60), low=st.integers(0, 100), high=st.integers(0, 100))
def test_the_percentiles_are_numpys(seed: int, count: int, low: int, high: int) -> None:
    rng = np.random.default_rng(seed)
    for values in (rng.integers(0, 256, count, dtype=np.uint8), rng.uniform(0, 255, count).astype(np.float32)):
        expected = np.percentile(values, (low, high))
        np.testing.assert_array_max_ulp(np.array(two_percentiles(values, low / 100, high / 100)), expected, 1)
