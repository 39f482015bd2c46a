from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import shapely
from detection_iou_twin import plain_record
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.detection import ImageWords
from metrics.detection_iou import Counts, DetectionIoU


def rect(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


A, B = rect(0, 0, 10, 10), rect(20, 0, 30, 10)


@dataclass
class Case:
    gt: list[np.ndarray] = field(default_factory=list)
    det: list[np.ndarray] = field(default_factory=list)
    ignore: list[int] = field(default_factory=list)
    pairs: tuple[tuple[int, int], ...] = ()
    ignored: tuple[int, ...] = ()
    care: tuple[int, int] = (0, 0)


CASES = {
    # the same quad: IoU 1
    "exact": Case([A], [A], pairs=((0, 0),), care=(1, 1)),
    # 60 of 100 pixels, IoU 0.6
    "above": Case([A], [rect(0, 0, 10, 6)], pairs=((0, 0),), care=(1, 1)),
    # IoU exactly 0.5 is not above 0.5
    "at the threshold": Case([A], [rect(0, 0, 10, 5)], care=(1, 1)),
    # shifted by 5 of 10: 50 / 150
    "below": Case([A], [rect(5, 0, 15, 10)], care=(1, 1)),
    # two detections of one word: the first one in order takes it, although the second fits better
    "duplicate": Case([A], [rect(0, 0, 10, 8), A], pairs=((0, 0),), care=(1, 2)),
    # the first word takes the first detection that is good enough; the second word is left with the other one
    "greedy order": Case(
        [rect(0, 0, 10, 10), rect(0, 2, 10, 12)],
        [rect(0, 1, 10, 11), rect(0, 3, 10, 13)],
        pairs=((0, 0), (1, 1)),
        care=(2, 2),
    ),
    # one big detection over two words has IoU 100 / 300 with either
    "merged words": Case([A, B], [rect(0, 0, 30, 10)], care=(2, 1)),
    # a detection inside a don't-care region counts neither way
    "don't care": Case([A], [rect(1, 1, 5, 5)], [1], ignored=(0,), care=(0, 0)),
    # exactly half of the detection lies in the region: it does count, as wrong
    "half in don't care": Case([A], [rect(5, 0, 15, 10)], [1], care=(0, 1)),
    # 60 of its 100 pixels lie in don't-care regions, but only 30 in each: the regions are not joined
    "two don't cares": Case([rect(0, 0, 3, 10), rect(7, 0, 10, 10)], [A], [1, 1], care=(0, 1)),
    # a don't-care region hides a detection that would have matched a word
    "don't care wins": Case([A, rect(0, 0, 10, 9)], [A], [0, 1], ignored=(0,), care=(1, 0)),
    # no words, one detection: wrong
    "empty ground truth": Case([], [A], care=(0, 1)),
    # words, no detections: missed
    "empty detections": Case([A, B], [], care=(2, 0)),
    "nothing at all": Case(),
    # a detection without area matches nothing, lies in nothing, and is wrong
    "no area": Case([A, rect(0, 0, 9, 9)], [rect(0, 0, 10, 0)], [0, 1], care=(1, 1)),
    # corners counter-clockwise are the same area
    "counter-clockwise": Case([A], [A[::-1]], pairs=((0, 0),), care=(1, 1)),
    # a bow tie encloses two triangles of 25 each (even-odd): 50 of A's 100, so IoU 0.5 and no match
    "self-crossing": Case([A], [A[[0, 2, 1, 3]]], care=(1, 1)),
    # the same bow tie against itself
    "self-crossing twice": Case([A[[0, 2, 1, 3]]], [A[[0, 2, 1, 3]]], pairs=((0, 0),), care=(1, 1)),
    # polygons of different lengths: a triangle of 50 on a pentagon of 75, IoU 2 / 3
    "polygons": Case(
        [np.array([[0, 0], [10, 0], [10, 5], [5, 10], [0, 10]]) * 1.0],
        [np.array([[0, 0], [10, 0], [0, 10]]) * 1.0],
        pairs=((0, 0),),
        care=(1, 1),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_hand_computed(case: Case) -> None:
    metric = DetectionIoU()
    record = metric.update("image", case.gt, np.array(case.ignore or [0] * len(case.gt), bool), case.det)
    assert record.pairs == case.pairs
    assert record.ignored == case.ignored
    assert metric.compute() == record.counts == Counts(1, *case.care, len(case.pairs))


def test_counts_are_summed_over_images_before_dividing() -> None:
    metric = DetectionIoU()
    metric.update("one", [A], [False], [A])
    metric.update("two", [A, B, rect(40, 0, 50, 10)], [False] * 3, [A, rect(60, 0, 70, 10), rect(80, 0, 90, 10)])
    total = metric.compute()
    assert total == Counts(images=2, gt_care=4, det_care=4, matched=2)
    assert (total.precision, total.recall, total.hmean) == (0.5, 0.5, 0.5)  # the images' mean would be 2 / 3


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (Counts(1, 4, 2, 1), (0.5, 0.25, 1 / 3)),
        (Counts(1, 0, 0, 0), (0, 0, 0)),  # the competition's convention: nothing to find scores 0
        (Counts(1, 3, 0, 0), (0, 0, 0)),
        (Counts(1, 0, 3, 0), (0, 0, 0)),
    ],
)
def test_ratios(counts: Counts, expected: tuple[float, float, float]) -> None:
    assert (counts.precision, counts.recall, counts.hmean) == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([A], [False, False], []), "1 words but 2 ignore flags"),
        (([A[:2]], [False], []), "three or more points"),
        (([], [], [np.full((4, 2), np.nan)]), "three or more points of finite"),
    ],
)
def test_nonsense_is_refused(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DetectionIoU().update("image", *arguments)


def test_an_image_is_added_once() -> None:
    metric = DetectionIoU()
    metric.update("image", [A], [False], [A])
    with pytest.raises(ValueError, match="'image' was added twice"):
        metric.update("image", [A], [False], [A])


def plain_counts(gt: np.ndarray, ignore: list[bool], det: np.ndarray, iou: float) -> tuple:
    """The competition's procedure, pair by pair."""
    words, found = [shapely.Polygon(g) for g in gt], [shapely.Polygon(d) for d in det]
    hidden = {
        j
        for j, d in enumerate(found)
        for i, g in enumerate(words)
        if ignore[i] and d.area > 0 and g.intersection(d).area / d.area > 0.5
    }
    pairs: list[tuple[int, int]] = []
    for i, g in enumerate(words):
        for j, d in enumerate(found):
            free = all(i != a and j != b for a, b in pairs)
            if free and not ignore[i] and j not in hidden:
                overlap = g.intersection(d).area
                if overlap / (g.area + d.area - overlap) > iou:
                    pairs.append((i, j))
    return tuple(pairs), tuple(sorted(hidden))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), words=st.integers(0, 12), found=st.integers(0, 12), iou=st.floats(0.05, 0.9))
def test_agrees_with_the_plain_version(seed: int, words: int, found: int, iou: float) -> None:
    rng = np.random.default_rng(seed)

    def quads(count: int) -> np.ndarray:
        corner, size = rng.integers(0, 40, (count, 1, 2)), rng.integers(1, 30, (count, 1, 2))
        turn = rng.uniform(-0.5, 0.5, count)
        box = corner + size * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
        rotation = np.stack(
            [np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], 1
        )
        return np.einsum("nij,npj->npi", rotation, box - corner) + corner

    gt, det = quads(words), quads(found)
    ignore = (rng.random(words) < 0.3).tolist()
    record = DetectionIoU(iou).update("image", gt, ignore, det)
    assert (record.pairs, record.ignored) == plain_counts(gt, ignore, det, iou)


@pytest.mark.parametrize("scale", [1e-4, 1, 1e6])
@pytest.mark.parametrize("seed", range(4))
def test_pairs_that_cannot_matter_are_left_out_without_changing_a_record(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    # Rectangles on a coarse grid reach each threshold exactly, time and again; so do those far from the origin.
    corner, side = rng.integers(0, 8, (60, 1, 2)), rng.integers(1, 5, (60, 1, 2)) * 2
    words = (corner + side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])) * scale + rng.choice([0, 1e3 * scale])
    found = words[rng.permutation(60)] + rng.integers(-1, 2, (60, 1, 2)) * scale
    image = ImageWords("image", words, rng.random(60) < 0.3, found)
    for iou, share in ((0.5, 0.5), (1 / 3, 0.25), (0.0, 0.0), (0.9, 1.0)):
        assert DetectionIoU(iou, ignored_share=share).score(image) == plain_record(image, iou, share)
