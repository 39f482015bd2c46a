"""Pseudo-labels as samples, as targets, and in the loss: the numbers."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from painted_labels import PREPROCESS, PaintedReader, box, brightness_teacher, painted

from config.schema.detection import DetectionData
from data.augment.geometry import warp_sample
from data.detection import DetectionTrainingSet, collate
from data.heatmap.targets import draw_targets
from data.pseudo_label.cache import LabelCache, fill_cache
from data.pseudo_label.reader import PseudoLabelReader
from data.pseudo_label.records import LabelSettings
from data.reader import UnreadableSample
from loss.heatmap import HeatmapLoss

SETTINGS = LabelSettings(crop_height=64, preprocess=PREPROCESS)
WORDS = [("fives", 20, 10, 4), ("four", 20, 50, 1), ("###", 20, 90, 3), ("ab", 120, 10, 2)]
"""Confidence 0.8, 0.5 (split), 0 (don't care), 1."""


LEVELS = np.array([0, 0.5, 0.8, 1], np.float32)


def levels(mask):
    return np.unique(mask).tolist()


def labelled(reader, tmp_path):
    cache = LabelCache(tmp_path, reader, SETTINGS, "teacher")
    fill_cache(cache, reader, SETTINGS, brightness_teacher, max_batch_pixels=1 << 16)
    return PseudoLabelReader(reader, cache.finish())


@pytest.fixture
def reader(tmp_path):
    return labelled(PaintedReader([painted("a", WORDS), painted("b", [])]), tmp_path)


def test_samples_carry_characters_and_confidence(reader):
    sample = reader[0]
    np.testing.assert_allclose(sample.word_confidence, [0.8, 0.5, 0.0, 1.0], atol=1e-6)
    assert sample.word_confidence.dtype == np.float32
    assert np.bincount(sample.char_words, minlength=4).tolist() == [4, 4, 0, 2]
    assert sample.char_quads.dtype == np.float32 and len(sample.char_quads) == 10
    bare = reader.annotation(0)
    assert bare.image.size == 0
    np.testing.assert_array_equal(bare.char_quads, sample.char_quads)
    assert reader[1].word_confidence.shape == (0,) and len(reader) == 2
    np.testing.assert_array_equal(reader[-2].char_words, sample.char_words)
    with pytest.raises(IndexError):
        reader[2]


def test_true_characters_take_the_place_of_pseudo_ones(tmp_path):
    plain = painted("a", WORDS)
    true = np.stack([box(20 + 4 * k, 50, 4, 20) for k in range(4)] + [box(20, 90, 16, 20)])
    given = replace(plain, char_quads=true, char_words=np.array([1, 1, 1, 1, 2]))
    sample = labelled(PaintedReader([given]), tmp_path)[0]
    np.testing.assert_allclose(sample.word_confidence, [0.8, 1.0, 0.0, 1.0], atol=1e-6)
    assert sample.char_words.tolist() == [0] * 4 + [1] * 4 + [3] * 2
    np.testing.assert_array_equal(sample.char_quads[4:8], true[:4])


def test_the_confidence_fills_the_word_in_the_mask(reader):
    sample = reader[0]
    mask = draw_targets(sample, DetectionData()).mask
    # Middles of the four words, and a place without text, in map pixels.
    np.testing.assert_allclose(mask[[10, 30, 50, 10, 70], [20, 13, 20, 68, 100]], [0.8, 0.5, 0.0, 1.0, 1.0], atol=1e-6)
    # 64 x 20 pixels of the image are 32 x 10 of the map; the outline's own pixels count, too.
    assert 32 * 10 <= (np.abs(mask - 0.8) < 1e-6).sum() <= 33 * 11
    np.testing.assert_allclose(levels(mask), LEVELS, atol=1e-6)


def test_the_least_confidence_wins_where_words_overlap():
    quads = np.stack([box(10, 10, 60, 40), box(40, 10, 60, 40), box(60, 10, 60, 40)])
    for order in ([0, 1, 2], [2, 1, 0], [1, 0, 2]):
        sample = painted("a", [])
        sample = replace(
            sample,
            words=["a"] * 3,
            word_quads=quads[order],
            ignore=np.array([False, False, True])[order],
            char_quads=quads[order],
            char_words=np.arange(3),
            word_confidence=np.array([0.9, 0.6, 1.0], np.float32)[order],
        )
        mask = draw_targets(sample, DetectionData()).mask
        np.testing.assert_allclose(mask[15, [10, 25, 45, 62]], [0.9, 0.6, 0.0, 1.0], atol=1e-6)


def test_a_word_without_characters_has_no_say_whatever_its_confidence():
    sample = replace(
        painted("a", []),
        words=["a"],
        word_quads=box(10, 10, 60, 40)[None],
        ignore=np.zeros(1, bool),
        word_confidence=np.ones(1, np.float32),
    )
    assert draw_targets(sample, DetectionData()).mask[15, 20] == 0


def test_outlines_of_more_points_are_filled_instead_of_quads():
    triangle = np.array([[10, 10], [90, 10], [10, 90]], np.float32)
    quad = box(10, 10, 80, 80)
    sample = replace(
        painted("a", []),
        words=["a"], word_quads=quad[None], ignore=np.zeros(1, bool), char_quads=quad[None],
        char_words=np.zeros(1, np.int64), word_confidence=np.full(1, 0.7, np.float32), word_polygons=[triangle],
    )  # fmt: skip
    mask = draw_targets(sample, DetectionData()).mask
    np.testing.assert_allclose(mask[[15, 40], [15, 40]], [0.7, 1.0], atol=1e-6)


def test_augmentation_keeps_the_confidence(reader):
    sample = warp_sample(reader[0], np.array([[0.5, 0.1, 3], [0, 0.6, 2], [0, 0, 1.0]]), 96)
    np.testing.assert_allclose(sample.word_confidence, [0.8, 0.5, 0.0, 1.0], atol=1e-6)
    np.testing.assert_allclose(levels(draw_targets(sample, DetectionData(output_size=96)).mask), LEVELS, atol=1e-6)


def test_the_loss_weighs_errors_by_the_confidence():
    """4 positives of error 1 and 4 negatives of error 0.25, mask 0.5 on half of each: 3/4 and 0.75/4 on average."""
    region = torch.tensor([[[1.0, 1, 1, 1, 0, 0, 0, 0]]])
    scores = torch.stack([torch.tensor([[[0.0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5]]]), region], dim=-1)
    mask = torch.tensor([[[1.0, 1, 0.5, 0.5, 1, 1, 0.5, 0.5]]])
    for version in (2, 3):
        parts = HeatmapLoss(version, neg_rto=1.0, n_min_neg=1)(scores, region, region, mask)
        assert parts.region.item() == pytest.approx(0.75 + 0.1875)
        assert parts.affinity.item() == 0.0
        nothing = HeatmapLoss(version, neg_rto=1.0, n_min_neg=1)(scores, region, region, torch.zeros_like(mask))
        assert nothing.total.item() == 0.0


def test_an_image_that_was_replaced_is_not_trained_on(tmp_path):
    plain = PaintedReader([painted("a", WORDS)])
    reader = labelled(plain, tmp_path)
    image = plain.samples[0].image.copy()
    image[0, 0, 0] += 1
    plain.samples[0] = replace(plain.samples[0], image=image)
    with pytest.raises(UnreadableSample, match="not the one its pseudo-labels were made from"):
        reader[0]


def test_labels_of_another_dataset_are_refused(tmp_path, reader):
    with pytest.raises(ValueError, match="labels of 2 images, the dataset has 1"):
        PseudoLabelReader(PaintedReader([painted("a", WORDS)]), reader._labels)


def test_the_training_set_takes_it_and_workers_get_it(reader):
    data = pickle.loads(pickle.dumps(DetectionTrainingSet(reader, DetectionData(output_size=128), seed=1)))
    batch = collate([data[position] for position in range(4)])
    assert batch["mask"].shape == (4, 64, 64)
    assert set(levels(batch["mask"].numpy())) <= set(levels(LEVELS))
    assert reader.fingerprint() != reader._reader.fingerprint()
