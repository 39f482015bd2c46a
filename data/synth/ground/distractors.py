"""Distractors look like text from a distance: scribbles, bar codes, rows of strokes, dashed lines.

They have no label, so a detector learns that many strokes alone are not text.
"""

from __future__ import annotations

import cv2
import numpy as np

from data.draws import pick
from data.synth.ground.colours import LUMA, random_colour, with_luma


def draw_distractor(image: np.ndarray, quad: np.ndarray, rng: np.random.Generator) -> None:
    """Draw one distractor inside a parallelogram of the scene, in place.

    Args:
        image: uint8 [H, W, 3] RGB.
        quad: float [4, 2], pixels, its place wholly inside the image: top left, top right, bottom right,
            bottom left.
        rng: source of randomness.
    """
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int), 0)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 1
    luma = float((image[top:bottom, left:right].reshape(-1, 3) @ LUMA).mean())
    contrast = rng.uniform(50, 160)
    colour = with_luma(random_colour(rng), luma - contrast if luma > 127 else luma + contrast).tolist()
    pick(rng, _KINDS)(image, quad, colour, rng)


def _points(quad: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return the points at shares `across` and `down`, both [N] in 0..1, of the parallelogram's sides, int32 [N, 2]."""
    return np.rint(quad[0] + across[:, None] * (quad[1] - quad[0]) + down[:, None] * (quad[3] - quad[0])).astype(
        np.int32
    )


def _thickness(quad: np.ndarray, rng: np.random.Generator) -> int:
    height = float(np.linalg.norm(quad[3] - quad[0]))
    return max(1, round(height * rng.uniform(0.04, 0.14)))


def _scribble(image: np.ndarray, quad: np.ndarray, colour: list[float], rng: np.random.Generator) -> None:
    count = int(rng.integers(12, 40))
    across = np.clip(np.linspace(0.02, 0.98, count) + rng.normal(0, 0.03, count), 0, 1)
    down = rng.uniform(0.1, 0.9, count)
    cv2.polylines(image, [_points(quad, across, down)], False, colour, _thickness(quad, rng), cv2.LINE_AA)


def _bars(image: np.ndarray, quad: np.ndarray, colour: list[float], rng: np.random.Generator) -> None:
    edges = np.sort(rng.random(2 * int(rng.integers(6, 25))))
    for start, end in edges.reshape(-1, 2):
        across, down = np.array([start, end, end, start]), np.array([0.0, 0.0, 1.0, 1.0])
        cv2.fillConvexPoly(image, _points(quad, across, down), colour, cv2.LINE_AA)


def _strokes(image: np.ndarray, quad: np.ndarray, colour: list[float], rng: np.random.Generator) -> None:
    """Short strokes side by side, some slanted, like the stems of letters."""
    count = int(rng.integers(4, 16))
    thickness = _thickness(quad, rng)
    lean = rng.uniform(-0.02, 0.02) if rng.random() < 0.6 else 0.0
    for start in np.linspace(0.03, 0.95, count):
        top, bottom = sorted(rng.uniform(0.0, 1.0, 2)) if rng.random() < 0.4 else (0.05, 0.95)
        points = _points(quad, np.array([start + lean, start - lean]), np.array([top, bottom]))
        cv2.line(image, points[0].tolist(), points[1].tolist(), colour, thickness, cv2.LINE_AA)


def _dashes(image: np.ndarray, quad: np.ndarray, colour: list[float], rng: np.random.Generator) -> None:
    """One to four dashed horizontal lines, like greeked text."""
    rows = int(rng.integers(1, 5))
    for row in range(rows):
        edges = np.sort(rng.random(2 * int(rng.integers(2, 6))))
        low, high = (row + 0.2) / rows, (row + rng.uniform(0.5, 0.8)) / rows
        for start, end in edges.reshape(-1, 2):
            across, down = np.array([start, end, end, start]), np.array([low, low, high, high])
            cv2.fillConvexPoly(image, _points(quad, across, down), colour, cv2.LINE_AA)


def _marks(image: np.ndarray, quad: np.ndarray, colour: list[float], rng: np.random.Generator) -> None:
    """A row of small rings, triangles, squares and arrows: icons."""
    height = float(np.linalg.norm(quad[3] - quad[0]))
    width = float(np.linalg.norm(quad[1] - quad[0]))
    radius = max(3, int(height * rng.uniform(0.3, 0.45)))
    count = max(1, min(6, int(width / (2.5 * radius))))
    thickness = -1 if rng.random() < 0.5 else _thickness(quad, rng)
    for centre in _points(quad, (np.arange(count) + 0.5) / count, np.full(count, 0.5)):
        sides = int(rng.integers(3, 9))
        turns = np.arange(sides) * 2 * np.pi / sides + rng.random()
        corners = np.rint(centre + radius * np.stack([np.cos(turns), np.sin(turns)], axis=1)).astype(np.int32)
        if thickness < 0:
            cv2.fillConvexPoly(image, corners, colour, cv2.LINE_AA)
        else:
            cv2.polylines(image, [corners], True, colour, thickness, cv2.LINE_AA)


_KINDS = (_scribble, _bars, _strokes, _dashes, _marks)
