"""The labelling pass: right labels, whatever the batches, the threads and the faults."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
import torch
from painted_labels import PREPROCESS, PaintedReader, box, brightness_teacher, painted, small_dataset

from benchmarks.labelling import label_one_by_one
from data.pseudo_label import labeler
from data.pseudo_label.labeler import label_blocks
from data.pseudo_label.records import LabelSettings, LabelStatistics, WordKind, join_labels
from data.sample import TextSample, transform_points
from model.craft import Craft
from utils.tasks.teacher import DetectorTeacher

SETTINGS = LabelSettings(crop_height=64, preprocess=PREPROCESS)


def assert_same(first, second, atol=0.0):
    for image, other in zip(first, second, strict=True):
        assert image.char_quads.shape == other.char_quads.shape
        np.testing.assert_allclose(image.char_quads, other.char_quads, atol=atol)
        for name in ("char_words", "confidence", "kind", "found", "checksum"):
            np.testing.assert_array_equal(getattr(image, name), getattr(other, name), name)


def label(reader, settings=SETTINGS, **options):
    return list(
        chain.from_iterable(label_blocks(reader, [range(len(reader))], settings, brightness_teacher, **options))
    )


def test_characters_lie_where_they_were_painted():
    """Blobs 16 pixels apart from x = 30 + 8; the word's box begins at x = 30."""
    for margin in (0.0, 0.5):
        (labels,) = label(PaintedReader([painted("a", [("four", 30, 60, 4)])]), replace(SETTINGS, crop_margin=margin))
        assert labels.kind.tolist() == [WordKind.KEPT] and labels.confidence.tolist() == [1.0]
        assert labels.found.tolist() == [4] and labels.char_words.tolist() == [0, 0, 0, 0]
        centres = labels.char_quads.mean(axis=1)
        np.testing.assert_allclose(centres, [[38, 70], [54, 70], [70, 70], [86, 70]], atol=0.6)
        # sigma 3 falls to 0.05 at 7.3 pixels.
        np.testing.assert_allclose(np.ptp(labels.char_quads[..., 0], axis=1), 14.7, atol=1.3)


def test_a_word_seen_in_perspective():
    """The picture is warped, the word's quad with it: the characters' quads are the straight ones' images."""
    import cv2

    straight = painted("a", [("four", 30, 60, 4)])
    matrix = np.array([[1.1, 0.2, -20], [-0.15, 1.2, 10], [0.0006, 0.0002, 1]])
    image = cv2.warpPerspective(straight.image, matrix, (280, 220))
    (flat,) = label(PaintedReader([straight]))
    (seen,) = label(PaintedReader([straight.transformed(image, matrix)]))
    assert seen.confidence.tolist() == [1.0]
    expected = transform_points(flat.char_quads, matrix)
    np.testing.assert_allclose(seen.char_quads.mean(axis=1), expected.mean(axis=1), atol=0.7)
    # The tail of a Gaussian is flat where the threshold cuts it, so that the edges are less sure than the middle.
    np.testing.assert_allclose(seen.char_quads, expected, atol=3.5)


def test_the_wrong_number_of_characters():
    words = [("fives", 20, 10, 4), ("four", 20, 50, 1), ("four", 20, 90, 2), ("a b", 20, 130, 2)]
    (labels,) = label(PaintedReader([painted("a", words)]))
    np.testing.assert_allclose(labels.confidence, [0.8, 0.5, 0.5, 1.0])
    kept, split = WordKind.KEPT, WordKind.SPLIT
    assert labels.kind.tolist() == [kept, split, split, kept]
    assert np.bincount(labels.char_words).tolist() == [4, 4, 4, 2]
    # The split one fills its box, which is 16 wide, evenly.
    np.testing.assert_allclose(labels.char_quads[4:8, 0, 0], [20, 24, 28, 32], atol=1e-3)
    np.testing.assert_allclose(labels.char_quads[4:8, 2], [[24, 70], [28, 70], [32, 70], [36, 70]], atol=1e-3)


def test_a_vertical_word_is_split_downwards():
    turned = np.rot90(painted("a", [("four", 60, 50, 4)]).image, -1).copy()  # clockwise
    low, high = 240, 160
    sample = TextSample("v", turned, ["four"], box(160 - 50 - 20, 60, 20, 64)[None], np.zeros(1, bool))
    assert turned.shape[:2] == (low, high)
    (labels,) = label(PaintedReader([sample]))
    assert labels.confidence.tolist() == [1.0]
    np.testing.assert_allclose(labels.char_quads.mean(axis=1)[:, 1], [68, 84, 100, 116], atol=1)
    # Upright glyphs: the first corner is the top left one.
    assert (labels.char_quads[:, 0] < labels.char_quads[:, 2]).all()


def faulty_words():
    good = painted("faults", [("four", 30, 60, 4)])
    quads = np.stack([
        good.word_quads[0],
        box(10, 10, 40, 0),
        np.array([[0, 0], [50, 20], [50, 0], [0, 20]]),
        np.full((4, 2), np.nan),
        np.full((4, 2), np.inf),
        box(999, 10, 40, 10),
        np.array([[0, 0], [50, 0], [10, 8], [0, 50]]),
        box(10, 10, 40, 10),
        box(10, 10, 40, 10),
        box(10, 10, 40, 10),
        box(30, 60, 16, 20),
    ]).astype(np.float32)  # fmt: skip
    words = ["four", "zero", "cross", "nan", "inf", "far", "dart", "###", "", "   ", "I"]
    ignore = np.array([word in ("###", "") for word in words])
    return TextSample("faults", good.image, words, quads, ignore)


def test_every_fault_is_counted_and_none_is_fatal():
    empty = TextSample("empty", np.zeros((50, 50, 3), np.uint8))
    hidden = painted("hidden", [("###", 10, 10, 3), ("###", 10, 60, 3)])
    reader = PaintedReader([empty, faulty_words(), hidden, painted("gone", [("ab", 9, 9, 2)])], broken=("gone",))
    labels = label(reader)
    kind = WordKind
    assert labels[1].kind.tolist() == [
        kind.KEPT, kind.ZERO_AREA, kind.CROSSING, kind.NOT_FINITE, kind.NOT_FINITE, kind.OUTSIDE, kind.NOT_CONVEX,
        kind.IGNORED, kind.IGNORED, kind.EMPTY, kind.KEPT,
    ]  # fmt: skip
    assert labels[1].confidence.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert labels[2].kind.tolist() == [kind.IGNORED] * 2
    assert labels[3].kind.tolist() == [kind.UNREADABLE] and labels[3].checksum == 0
    assert all(np.isfinite(image.char_quads).all() for image in labels)
    columns = join_labels(labels)
    statistics = LabelStatistics.of(len(labels), columns["kind"], columns["confidence"])
    assert statistics.labelled == 2 and statistics.mean_confidence == 1.0 and statistics.split_share == 0.0
    assert statistics.words == {
        kind.KEPT: 2, kind.IGNORED: 4, kind.EMPTY: 1, kind.NOT_FINITE: 2, kind.ZERO_AREA: 1, kind.CROSSING: 1,
        kind.NOT_CONVEX: 1, kind.OUTSIDE: 1, kind.UNREADABLE: 1,
    }  # fmt: skip
    assert "1 sides cross" in statistics.summary() and "2 a coordinate is not finite" in statistics.summary()
    assert statistics.scalars()["words_ignored"] == 4.0


def test_words_with_true_characters_are_not_labelled():
    sample = painted("a", [("ab", 10, 10, 2), ("cde", 10, 60, 3)])
    true = replace(sample, char_quads=np.stack([box(10, 60, 16, 20)] * 3), char_words=np.ones(3, np.int64))
    (labels,) = label(PaintedReader([true]))
    assert labels.kind.tolist() == [WordKind.KEPT, WordKind.TRUE]
    assert labels.char_words.tolist() == [0, 0]


def test_batches_threads_and_blocks_change_nothing():
    reader = small_dataset()
    plain = list(label_one_by_one(reader, range(len(reader)), SETTINGS, brightness_teacher))
    assert {WordKind.KEPT, WordKind.SPLIT} <= set(np.concatenate([image.kind for image in plain]).tolist())
    assert_same(label(reader), plain)
    assert_same(label(reader, max_batch_pixels=1, loader_threads=1), plain)
    with ThreadPoolExecutor(3) as executor:
        assert_same(label(reader, loader_threads=4, executor=executor), plain)
    blocks = [[0, 1, 2], [], [5, 4], [3]]
    parts = list(label_blocks(reader, blocks, SETTINGS, brightness_teacher))
    assert [len(part) for part in parts] == [3, 0, 2, 1]
    assert_same(list(chain.from_iterable(parts)), [plain[k] for k in (0, 1, 2, 5, 4, 3)])


def test_crops_of_one_shape_share_a_forward_pass_within_the_limit(monkeypatch):
    shapes = []

    def teacher(batch):
        shapes.append(batch.shape)
        return brightness_teacher(batch)

    reader = PaintedReader([painted(str(k), [("four", 20, 60, 4)]) for k in range(10)])
    list(label_blocks(reader, [range(10)], SETTINGS, teacher, max_batch_pixels=4 * 64 * 224))
    # 64 x 20 becomes 205 x 64, padded to 224 x 64.
    assert shapes == [(4, 3, 64, 224), (4, 3, 64, 224), (2, 3, 64, 224)]
    # Crops do not pile up while they wait for others of their shape.
    monkeypatch.setattr(labeler, "MAX_WAITING", 1)
    shapes.clear()
    reader = PaintedReader([painted(str(k), [("x" * n, 20, 60, n) for n in (1, 2, 3)]) for k in range(10)])
    list(label_blocks(reader, [range(10)], SETTINGS, teacher, max_batch_pixels=64 * 500))
    assert len(shapes) > 6 and max(shape[0] * shape[2] * shape[3] for shape in shapes) <= 64 * 500


def test_a_real_network_gives_the_same_labels_in_batches():
    torch.manual_seed(0)
    model = Craft(0.125)
    # Fresh statistics of the batch norms and a last bias that puts half the score above the threshold.
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(2, 3, 64, 96))
        scores, _ = model.eval()(torch.randn(2, 3, 64, 96))
        model.conv_cls[-1].weight.mul_(20.0)
        model.conv_cls[-1].bias.add_(0.75 - 20 * float(scores[..., 0].median()))
    teacher = DetectorTeacher(model, torch.device("cpu"), "off")
    reader = small_dataset(6)
    settings = replace(SETTINGS, crop_margin=0.25)
    batched = list(chain.from_iterable(label_blocks(reader, [range(6)], settings, teacher)))
    # Bytes that are normalised on the device, a batch ahead, are to the last bit what floats from the host were.
    floats = list(chain.from_iterable(label_blocks(reader, [range(6)], settings, lambda batch: teacher(batch))))
    for one, other in zip(batched, floats, strict=True):
        np.testing.assert_array_equal(one.char_quads, other.char_quads)
        np.testing.assert_array_equal(one.confidence, other.confidence)
    plain = list(label_one_by_one(reader, range(6), settings, teacher))
    assert_same(batched, plain, atol=1.0)


def test_one_batch_is_in_flight_while_the_one_before_it_is_looked_at():
    events = []

    class Device:
        def __call__(self, batch):
            raise AssertionError("floats were sent")

        def start(self, pixels, sizes, preprocess):
            assert pixels.dtype == np.uint8 and len(sizes) == len(pixels) and preprocess == SETTINGS.preprocess
            number = sum(kind == "start" for kind, _ in events)
            events.append(("start", number))
            region = np.zeros((len(pixels), pixels.shape[1] // 2, pixels.shape[2] // 2))
            return lambda: events.append(("wait", number)) or region

    list(label_blocks(small_dataset(), [range(6), range(6, 12)], SETTINGS, Device(), max_batch_pixels=64 * 500))
    assert [number for kind, number in events if kind == "wait"] == list(range(len(events) // 2))
    flying = [sum(1 if kind == "start" else -1 for kind, _ in events[: end + 1]) for end in range(len(events))]
    assert max(flying) == 2 and flying.count(0) == 2, "a block's last batch is not carried over to the next block"


def test_progress_counts_images_and_words():
    reader, seen = small_dataset(5), []
    list(label_blocks(reader, [[0, 1], [2, 3, 4]], SETTINGS, brightness_teacher, on_progress=seen.append))
    assert seen[-1].images == seen[-1].total == 5
    assert seen[-1].words == sum(len(sample.words) for sample in reader.samples)
    assert seen[-1].words_per_second > 0


def test_an_error_of_the_teacher_ends_the_pass():
    def teacher(batch):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        list(label_blocks(small_dataset(), [range(12)], SETTINGS, teacher))
