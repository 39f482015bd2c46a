"""Scenes drawn on the fly: the same as on disk, in every process, for every number of workers."""

from __future__ import annotations

import pickle
import tracemalloc
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from config.errors import UserError
from config.loader import load_config
from config.schema.datasets import GeneratedDataset, SynthTextDataset
from config.schema.detection import DetectionData
from data.detection import DetectionTrainingSet, collate
from data.order import StreamBatchSampler
from data.readers import open_dataset, open_datasets
from data.sample import TextSample

TINY = [
    "layout.width=[96, 160]",
    "layout.height=[96, 128]",
    "layout.blocks=[1, 2]",
    "layout.text_height=[10, 16]",
    "text.length=[1, 6]",
    "splits={train: 5, test: 3}",
]


def generated(**options) -> GeneratedDataset:
    return GeneratedDataset(**{"recipe": "generate_demo", "set": TINY, **options})


def assert_same(sample: TextSample, other: TextSample) -> None:
    for field in fields(TextSample):
        left, right = getattr(sample, field.name), getattr(other, field.name)
        assert np.array_equal(left, right) if isinstance(left, np.ndarray) else left == right, field.name


def test_a_scene_is_what_the_writer_writes_and_the_reader_reads(tmp_path: Path) -> None:
    from data.synth.writing.writer import write_dataset

    write_dataset(load_config("generate_demo", [*TINY, f"output_dir={tmp_path / 'out'}", "workers=1"], "generate"))
    for split in ("train", "test"):
        disk = open_dataset(SynthTextDataset(root=str(tmp_path / "out" / split), max_dropped=0.0))
        drawn = open_dataset(generated(split=split))
        assert len(drawn) == len(disk) and not disk.report.dropped
        for index in range(len(disk)):
            sample, other = disk[index], drawn[index]
            assert np.array_equal(sample.image, other.image)
            assert sample.words == other.words and np.array_equal(sample.char_words, other.char_words)
            assert np.array_equal(sample.ignore, other.ignore)
            # Two to the -16: half a step of float32 at 100 to 200 pixels, twice.
            np.testing.assert_allclose(sample.word_quads, other.word_quads, rtol=0, atol=2**-16)
            np.testing.assert_allclose(sample.char_quads, other.char_quads, rtol=0, atol=2**-16)


def test_annotation_is_the_sample_without_the_image() -> None:
    reader = open_dataset(generated())
    for index in (0, 3, -1):
        sample, annotation = reader[index], reader.annotation(index)
        assert annotation.image.shape == (0, 0, 3) and sample.image.dtype == np.uint8
        assert_same(annotation, TextSample(**{**vars(sample), "image": annotation.image}))
    for index in (5, -6):
        with pytest.raises(IndexError):
            reader[index]


def test_size_and_samples_choose_scenes() -> None:
    many = open_dataset(generated(size=10_000_000))
    assert len(many) == 10_000_000 == many.report.images
    assert many[9_999_999].sample_id == "train/9999999"
    # More scenes do not change the first ones, nor what the splits share.
    few = open_dataset(generated())
    assert len(few) == 5
    assert_same(many[2], few[2])
    chosen = open_dataset(generated(size=9, samples=3))
    assert [chosen[index].sample_id for index in range(3)] == ["train/0", "train/3", "train/6"]


def test_a_pickled_reader_draws_the_same_and_is_small() -> None:
    reader = open_dataset(generated())
    first = reader[1]
    data = pickle.dumps(reader)
    assert len(data) < 2e6
    copy = pickle.loads(data)
    assert_same(copy[1], first)
    assert copy.fingerprint() == reader.fingerprint()


def test_fingerprints_tell_datasets_apart_and_nothing_else() -> None:
    def print_of(**options) -> str:
        return open_dataset(generated(**options)).fingerprint()

    same = [print_of(), print_of(size=5), print_of(set=[*TINY, "output_dir=./elsewhere", "workers=3"])]
    assert len(set(same)) == 1
    other = [
        print_of(split="test"),
        print_of(size=6),
        print_of(samples=4),
        print_of(set=[*TINY, "seed=5"]),
        print_of(set=[*TINY, "text.punctuation=0.2"]),
    ]
    assert len({*same, *other}) == 6


def batch_list(workers: int, context: str | None) -> list[dict]:
    settings = DetectionData(output_size=64, gauss_init_size=40, gauss_sigma=8.0)
    dataset = DetectionTrainingSet(open_datasets([generated(), generated(split="test")]), settings, seed=3)
    loader = DataLoader(
        dataset,
        batch_sampler=StreamBatchSampler(2, 1, 6),
        collate_fn=collate,
        num_workers=workers,
        multiprocessing_context=context,
    )
    return list(loader)


@pytest.mark.parametrize(("workers", "context"), [(1, "spawn"), (2, "fork")])
def test_the_number_and_kind_of_workers_change_nothing(workers: int, context: str) -> None:
    for batch, other in zip(batch_list(0, None), batch_list(workers, context), strict=True):
        assert batch["sample_id"] == other["sample_id"]
        for name in ("image", "region", "affinity", "mask"):
            assert torch.equal(batch[name], other[name]), name


def test_the_report_names_what_draws_and_what_was_left_out() -> None:
    table = open_dataset(generated(split="test")).report.table()
    assert table.startswith("3 scenes, drawn as they are asked for, of split 'test' of the recipe generate_demo\n")
    assert "word list: longer than text.length allows" in table


def test_scenes_are_not_kept() -> None:
    reader = open_dataset(generated())
    reader[0]
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(10):
        reader[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 50_000, "a scene of 128 x 160 pixels has 61,440 bytes"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "generate_dmo"}, r"generate_dmo: there is no configuration .* did you mean 'generate_demo'"),
        ({"recipe": "craft_tiny"}, "for task 'detection', but one for task 'generate' is wanted here"),
        ({"split": "trian"}, "recipe generate_demo has no split 'trian'; did you mean 'train'"),
        ({"split": "x"}, "has no split 'x'; it has train, test"),
        ({"set": ["layuot.width=[1, 2]"]}, "in its `set`: there is no key 'layuot' .* did you mean 'layout'"),
        ({"set": ["seed"]}, "in its `set`: 'seed' is not of the form key.sub=value"),
        ({"set": ["text.alphabet=ab\u6f22", "text.kinds={random: 1}"]}, "\u6f22"),
        ({"set": ["text.kinds={price: 1}", "text.alphabet=ab"]}, "No text can be made"),
        ({"samples": 0}, "`samples: 0` leaves no image"),
        ({"set": ["output=crops"]}, "recipe generate_demo makes crops; a detector learns from scenes"),
        (
            {"set": ["layout.width=[64, 64]", "layout.height=[64, 64]", "text.length=[12, 12]"]},
            r"No word fits into a scene of 64 x 64 pixels",
        ),
    ],
)
def test_mistakes_are_one_sentence(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_dataset(generated(**options))
    assert "\n" not in str(caught.value) and "on the command line" not in str(caught.value)


def test_mistakes_in_the_section_itself() -> None:
    for override, message in (
        ("train.datasets.0.root=x", "there is no key 'root' in train.datasets.0"),
        ("train.datasets.0.sizes=4", "did you mean 'train.datasets.0.size'"),
        ("train.datasets.0.set=seed=4", r"must be a list of texts"),
        ("train.datasets.0.size=0", "must be a whole number above 0, at most 10000000, or null"),
    ):
        with pytest.raises(UserError, match=message):
            load_config("craft_generated", [override])
