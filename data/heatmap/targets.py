"""From the boxes of a training image to the three maps that the loss compares."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from config.schema.detection import DetectionData
from data.heatmap.affinity import affinity_quads, vertical_characters
from data.heatmap.gaussian import draw_gaussians
from data.heatmap.grid import INPUT_TO_MAP, MAP_STRIDE
from data.sample import TextSample, transform_points

SUBPIXEL_BITS = 4


class Targets(NamedTuple):
    """Target maps, float32 [H, W] each, in 0..1."""

    region: np.ndarray
    affinity: np.ndarray
    mask: np.ndarray


def draw_targets(sample: TextSample, settings: DetectionData) -> Targets:
    """Draw region, affinity and confidence maps at half the size of the sample's image.

    The confidence is 1, except inside the outlines of some words: it is 0 in words to be ignored and in words without
    character boxes, and the confidence of the pseudo-labels in words whose characters are pseudo-labels.

    Args:
        sample: an augmented sample; its height and width are even.
        settings: the `train.data` section.
    """
    shape = (sample.image.shape[0] // MAP_STRIDE, sample.image.shape[1] // MAP_STRIDE)
    drawn = ~sample.ignore[sample.char_words] if len(sample.char_words) else np.zeros(0, bool)
    char_words = sample.char_words[drawn]
    char_quads = transform_points(sample.char_quads[drawn], INPUT_TO_MAP)
    links, vertical_links = affinity_quads(char_quads, char_words)
    gaussian = {"shape": shape, "size": settings.gauss_init_size, "sigma": settings.gauss_sigma}
    region = draw_gaussians(
        char_quads,
        enlarge=_per_quad(settings.enlarge_region, vertical_characters(char_quads, char_words)),
        **gaussian,
    )
    affinity = draw_gaussians(links, enlarge=_per_quad(settings.enlarge_affinity, vertical_links), **gaussian)
    return Targets(region, affinity, _confidence(sample, shape, char_words))


def _per_quad(enlarge: list[float], vertical: np.ndarray) -> np.ndarray:
    """Turn (along, across) the reading direction into shares along each quad's own x and y axis, [N, 2]."""
    along, across = enlarge
    return np.where(vertical[:, None], [across, along], [along, across])


def _confidence(sample: TextSample, shape: tuple[int, int], known_words: np.ndarray) -> np.ndarray:
    mask = np.ones(shape, np.float32)
    values = np.zeros(len(sample.word_quads), np.float32)
    known = np.unique(known_words)
    values[known] = 1.0 if sample.word_confidence is None else sample.word_confidence[known]
    outlines = sample.word_quads if sample.word_polygons is None else sample.word_polygons
    # Where words overlap, the least confidence is drawn last and stays.
    for word in sorted(np.flatnonzero(values < 1).tolist(), key=lambda index: -values[index]):
        outline = transform_points(outlines[word], INPUT_TO_MAP)
        if not np.isfinite(outline).all():
            continue
        # Corners far outside would overflow the fixed-point coordinates that OpenCV draws with.
        outline = np.clip(outline, -8 * max(shape), 8 * max(shape))
        points = np.round(outline * (1 << SUBPIXEL_BITS)).astype(np.int32).reshape(-1, 1, 2)
        cv2.fillPoly(mask, [points], float(values[word]), shift=SUBPIXEL_BITS)
    return mask
