"""The chart of a learning-rate range test."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from utils.check.lr_range_test import RangeTest
from utils.draw.palette import AXES, CURVE, GRID, POINTS, PRESENT, STEEPEST, TENTH_OF_MINIMUM, WHITE

WIDTH, HEIGHT = 1120, 620
LEFT, TOP, RIGHT, BOTTOM = 84, 60, 28, 64


def draw_range_test(result: RangeTest, title: str, present: float) -> np.ndarray:
    """Draw loss against learning rate on a logarithmic axis, with the suggestions as vertical lines.

    Args:
        result: the outcome of the test.
        title: line at the top.
        present: the rate of the configuration.

    Returns:
        uint8 [620, 1120, 3], RGB.
    """
    sheet = Image.new("RGB", (WIDTH, HEIGHT), WHITE)
    draw = ImageDraw.Draw(sheet)
    font, small = ImageFont.load_default(18), ImageFont.load_default(14)
    exponents = np.log10(result.rates)
    first, last = math.floor(exponents[0]), math.ceil(exponents[-1])
    low, high = _loss_range(result.smoothed)

    def x(rate: float) -> float:
        return LEFT + (math.log10(rate) - first) / max(1, last - first) * (WIDTH - LEFT - RIGHT)

    def y(loss: float) -> float:
        share = min(1.0, max(0.0, (loss - low) / (high - low)))
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    draw.text((LEFT, 18), title, AXES, font)
    for exponent in range(first, last + 1):
        place = x(10.0**exponent)
        draw.line((place, TOP, place, HEIGHT - BOTTOM), GRID)
        draw.text((place, HEIGHT - BOTTOM + 10), f"1e{exponent}", AXES, small, "ma")
    for loss in np.linspace(low, high, 6).tolist():
        draw.line((LEFT, y(loss), WIDTH - RIGHT, y(loss)), GRID)
        draw.text((LEFT - 10, y(loss)), f"{loss:.3g}", AXES, small, "rm")
    draw.text(((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 26), "learning rate", AXES, small, "ma")
    draw.text((LEFT - 10, TOP - 22), "loss", AXES, small, "ra")
    for rate, loss in zip(result.rates.tolist(), result.losses.tolist(), strict=True):
        draw.ellipse((x(rate) - 2, y(loss) - 2, x(rate) + 2, y(loss) + 2), POINTS)
    curve = [(x(rate), y(loss)) for rate, loss in zip(result.rates.tolist(), result.smoothed.tolist(), strict=True)]
    draw.line(curve, CURVE, 3, "curve")
    marks = (
        (result.steepest, "steepest", STEEPEST),
        (result.tenth, "minimum / 10", TENTH_OF_MINIMUM),
        (present, "train.lr", PRESENT),
    )
    shown = [(rate, *mark) for rate, *mark in marks if rate is not None and 10.0**first <= rate <= 10.0**last]
    for rate, _, colour in shown:
        draw.line((x(rate), TOP, x(rate), HEIGHT - BOTTOM), colour, 2)
    for row, (rate, name, colour) in enumerate(shown):
        caption = f"{name} {rate:.2g}"
        anchor, shift = ("la", 6) if x(rate) + 8 + small.getlength(caption) < WIDTH else ("ra", -6)
        place = (x(rate) + shift, TOP + 6 + 20 * row)
        draw.rectangle(draw.textbbox(place, caption, small, anchor), WHITE)
        draw.text(place, caption, colour, small, anchor)
    return np.array(sheet)


def _loss_range(smoothed: np.ndarray) -> tuple[float, float]:
    """Return the losses at the lower and the upper edge; values far above the first losses are cut off."""
    low, start = float(smoothed.min()), float(smoothed[: max(1, len(smoothed) // 10)].max())
    high = min(float(smoothed.max()), start + 0.5 * (start - low))
    high = max(high, start, low + 1e-6 * max(1.0, abs(low)))
    margin = 0.05 * (high - low)
    return low - margin, high + margin
