from __future__ import annotations

import numpy as np
import pytest

from data.synth.ground.colours import bands, blend


@pytest.mark.parametrize("size", [(1, 1), (7, 1), (1, 9), (40, 50), (300, 400)])
@pytest.mark.parametrize("form", ["one colour", "a colour for each row", "a colour for each pixel"])
def test_blending_in_bands_is_the_formula_to_the_bit(size: tuple[int, int], form: str) -> None:
    rng = np.random.default_rng(3)
    shape = {"one colour": (3,), "a colour for each row": (size[0], 1, 3)}.get(form, (*size, 3))
    image = rng.uniform(0, 255, (*size, 3)).astype(np.float32)
    weight, colour = rng.random(size, np.float32), rng.uniform(0, 255, shape).astype(np.float32)
    expected = image + (colour - image) * weight[:, :, None]
    blend(image, weight, colour)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (768, 768), (5, 100_000)])
def test_bands_hold_each_row_once(height: int, width: int) -> None:
    assert [row for rows in bands(height, width) for row in range(height)[rows]] == list(range(height))
