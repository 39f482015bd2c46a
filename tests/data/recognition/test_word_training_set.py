from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from word_readers import PaintedWords

from config.errors import UserError
from config.schema.word_data import WordAugmentation, WordData
from data.order import MixedTrainingSet, SampleOrder, StreamBatchSampler
from data.recognition.alphabet import Alphabet
from data.recognition.shares import batch_counts
from data.recognition.training_set import WordCollate, WordTrainingSet
from data.recognition.widths import TextWidths, input_widths, picture_sizes

ALPHABET = Alphabet("abcdeABCDE")
CHANGES = WordAugmentation(rotation={"probability": 0.5}, noise={"probability": 0.5}, elastic={"probability": 0.3})
SETTINGS = WordData(height=32, bucket_batches=4, augment=CHANGES)


def training_set(reader: PaintedWords, settings: WordData = SETTINGS, seed: int = 1, **values) -> WordTrainingSet:
    dataset = WordTrainingSet(reader, ALPHABET, settings, seed, batch=values.pop("batch", 8), **values)
    return dataset


def with_widths(reader: PaintedWords, settings: WordData = SETTINGS, **values) -> WordTrainingSet:
    plain = training_set(reader, settings)
    return training_set(reader, settings, widths=input_widths(picture_sizes(reader), plain.preprocess), **values)


def same(item: dict, other: dict) -> bool:
    return item.keys() == other.keys() and all(
        np.array_equal(value, other[name]) if isinstance(value, torch.Tensor | np.ndarray) else value == other[name]
        for name, value in item.items()
    )


def test_a_batch_holds_what_it_says() -> None:
    dataset = with_widths(PaintedWords(50))
    samples = [dataset[position] for position in range(8)]
    batch = WordCollate(dataset.preprocess)(samples)
    width = max(sample["image"].shape[1] for sample in samples)
    assert batch["image"].shape == (8, 32, width, 1) and batch["image"].dtype == torch.uint8
    assert batch["widths"].tolist() == [sample["image"].shape[1] for sample in samples]
    assert batch["texts"] == [dataset.reader.text(dataset.index(position)) for position in range(8)]
    assert batch["target_lengths"].tolist() == [len(text) for text in batch["texts"]]
    assert batch["targets"].shape == (8, max(len(text) for text in batch["texts"]))
    for row, text in zip(batch["targets"].tolist(), batch["texts"], strict=True):
        assert ALPHABET.decode(row[: len(text)]) == text and set(row[len(text) :]) <= {0}
    assert batch["sample_id"] == [dataset.reader.name(dataset.index(position)) for position in range(8)]
    assert batch["unreadable"] == []


def test_widths_of_inputs_are_those_foretold() -> None:
    reader = PaintedWords(40)
    dataset = with_widths(reader)
    widths = input_widths(picture_sizes(reader), dataset.preprocess)
    assert all(dataset[position]["image"].shape[1] == widths[dataset.index(position)] for position in range(40))


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_and_resuming_change_nothing(workers: int) -> None:
    reader = PaintedWords(30, broken=frozenset({4}))

    def batches(start: int, end: int, count: int) -> list[dict]:
        dataset = with_widths(reader)
        sampler = StreamBatchSampler(8, start, end)
        return list(
            DataLoader(dataset, batch_sampler=sampler, collate_fn=WordCollate(dataset.preprocess), num_workers=count)
        )

    whole = batches(0, 9, 0)
    resumed = batches(4, 9, workers)
    assert all(same(item, other) for item, other in zip(whole[4:], resumed, strict=True))
    assert any(batch["unreadable"] for batch in whole)


def test_processes_share_out_the_same_mixed_batches() -> None:
    """16 samples a step, 3 of 4 from one dataset: the same ones for 1, 2 and 4 processes, changed alike."""
    readers = [PaintedWords(60), PaintedWords(25, seed=1)]

    def steps(world: int) -> list[list[str]]:
        counts = batch_counts([0.75, 0.25], 16)
        result = []
        for step in range(5, 12):
            seen = []
            for rank in range(world):
                parts = [with_widths(reader, batch=counts[part], part=part) for part, reader in enumerate(readers)]
                mixed = MixedTrainingSet(parts, counts)
                (positions,) = StreamBatchSampler(16, step, step + 1, rank, world)
                for sample in map(mixed.__getitem__, positions):
                    seen.append(f"{sample['sample_id']} {sample['text']} {hash(sample['image'].tobytes())}")
            result.append(sorted(seen))
        return result

    assert steps(1) == steps(2) == steps(4)


def test_parts_of_a_batch_are_not_changed_alike_but_scheduled_alike() -> None:
    reader = PaintedWords(400)
    first, second = with_widths(reader), with_widths(reader, part=1)
    assert first.seed != second.seed
    assert [first.index(p) for p in range(50)] != [second.index(p) for p in range(50)]
    widths = input_widths(picture_sizes(reader), first.preprocess)
    means = [
        [widths[[samples.index(step * 8 + o) for o in range(8)]].mean() for step in range(40)]
        for samples in (first, second)
    ]
    assert np.corrcoef(means)[0, 1] > 0.9


def test_unreadable_samples_are_replaced_alike_and_named() -> None:
    reader = PaintedWords(12, broken=frozenset({2, 3, 9}))
    dataset, again = training_set(reader), training_set(reader)
    for position in range(24):
        sample = dataset[position]
        broken = dataset.index(position) in reader.broken
        assert bool(sample["unreadable"]) == broken
        assert sample["sample_id"] not in {"word_2", "word_3", "word_9"}
        assert np.array_equal(sample["image"], again[position]["image"])
        assert sample["text"] == reader.words[int(sample["sample_id"][5:])]
        if broken:
            assert sample["unreadable"][0] == f"word_{dataset.index(position)}: image: missing"


def test_lengths_of_labels_take_the_place_of_unknown_widths() -> None:
    reader = PaintedWords(64)
    dataset = training_set(reader, WordData(bucket_batches=16), batch=4, widths=TextWidths(reader))
    spread = [np.ptp([len(reader.text(dataset.index(s * 4 + o))) for o in range(4)]) for s in range(16)]
    assert max(spread) <= 2
    assert sorted(dataset.index(position) for position in range(64)) == list(range(64))


@pytest.mark.parametrize("values", [{"bucket_batches": None}, {"pad_to": 600}, {"keep_ratio": False}])
def test_without_buckets_the_order_is_the_plain_one(values: dict) -> None:
    dataset = with_widths(PaintedWords(30), WordData(**values))
    assert isinstance(dataset.order, SampleOrder)


def test_the_set_can_be_pickled() -> None:
    sample = pickle.loads(pickle.dumps(training_set(PaintedWords(10))))[3]
    assert ALPHABET.decode(sample["target"]) == sample["text"]


def test_too_many_unreadable_samples_and_none_at_all_are_told() -> None:
    dataset = training_set(PaintedWords(5, broken=frozenset(range(5))))
    with pytest.raises(UserError, match=r"20 pictures in a row cannot be read, the last one: word_\d: image: missing"):
        dataset[0]
    with pytest.raises(UserError, match="holds no sample"):
        training_set(PaintedWords(0))


def test_a_seed_decides_on_everything() -> None:
    reader = PaintedWords(30)
    dataset, other = training_set(reader), training_set(reader, seed=2)
    assert [dataset.index(p) for p in range(30)] != [other.index(p) for p in range(30)]
