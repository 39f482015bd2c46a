"""Crops drawn on the fly: the same as on disk, in every process."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from word_files import assert_consistent, read_in_new_process, texts

from config.errors import UserError
from config.loader import load_config
from config.schema.word_crops import GeneratedWords, LabelsCsvWords, LmdbWords
from data.recognition.readers import open_word_sets, open_words

SMALL = ["splits={train: 7, test: 4}", "crops.height=24", "crops.curve.probability=0.3"]


def generated(**options) -> GeneratedWords:
    return GeneratedWords(**{"recipe": "generate_lines", "set": SMALL, **options})


@pytest.mark.parametrize("form", ["lmdb", "folder"])
def test_a_crop_is_what_the_generator_writes_and_the_readers_read(tmp_path: Path, form: str) -> None:
    from data.synth.writing.writer import write_dataset

    out = tmp_path / "out"
    overrides = [*SMALL, f"output_dir={out}", "workers=1", f"crops.format={form}", "shards=2"]
    write_dataset(load_config("generate_lines", overrides, "generate"))
    for split in ("train", "test"):
        config = (LmdbWords if form == "lmdb" else LabelsCsvWords)(root=str(out / split), max_dropped=0.0)
        disk, drawn = open_words(config), open_words(generated(split=split))
        assert_consistent(disk)
        assert len(drawn) == len(disk) == {"train": 7, "test": 4}[split] and not disk.report.dropped
        for index in range(len(disk)):
            sample, other = disk[index], drawn[index]
            assert sample.text == other.text and np.array_equal(sample.image, other.image)
            assert disk.raw(index) == drawn.raw(index)


def test_texts_and_sizes_are_known_without_drawing() -> None:
    reader = open_words(generated())
    assert_consistent(reader)
    assert reader.drawn and reader.longest == 34 and " " in reader.characters
    assert all(set(text) <= reader.characters and len(text) <= 34 for text in texts(reader))
    assert reader[3].image.shape[0] == 24


def test_more_crops_do_not_change_the_first_ones() -> None:
    many, few = open_words(generated(size=1_000_000_000)), open_words(generated())
    assert len(many) == 1_000_000_000 == many.report.words
    assert many.text(3) == few.text(3) and many.text(999_999_999)
    chosen = open_words(generated(size=9, samples=3))
    assert [chosen.name(k) for k in range(3)] == ["train/0", "train/3", "train/6"] and chosen.drawn
    prints = [reader.fingerprint() for reader in (many, few, chosen, open_words(generated(split="test")))]
    assert len(set(prints)) == 4 and open_words(generated()).fingerprint() == few.fingerprint()


def test_a_reader_reads_in_a_new_process_and_joins_others(tmp_path: Path) -> None:
    reader = open_words(generated())
    expected = reader[2]
    assert len(pickle.dumps(reader)) < 3e6
    assert read_in_new_process(reader, 2) == ("train/2", expected.text, expected.image.tobytes())
    joined = open_word_sets([generated(), generated(split="test")])
    assert joined.drawn and len(joined) == 11 and joined[9].sample_id == "test/2"


def test_the_report_names_what_draws() -> None:
    table = open_words(generated(split="test")).report.table()
    assert table.startswith("4 crops, drawn as they are asked for, of split 'test' of the recipe generate_lines\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "generate_demo"}, r"makes scenes; a recogniser learns from crops \(output: crops\)"),
        ({"split": "x"}, "has no split 'x'; it has train, test"),
        ({"set": ["crop.height=3"]}, "in its `set`: there is no key 'crop'"),
        ({"samples": 0}, "`samples: 0` leaves no image"),
    ],
)
def test_mistakes_are_one_sentence(options: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        open_words(generated(**options))
    assert "\n" not in str(caught.value)
