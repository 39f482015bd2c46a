"""A split in several shards: one dataset in order, complete or refused."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from synthtext_files import entry, write_mat

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.readers import open_dataset

COUNTS = (3, 4, 3)


def open_root(root: Path, **options):
    return open_dataset(SynthTextDataset(root=str(root), **options))


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Ten images in three shards; image k is of grey level 20 k and says so."""
    first = 0
    for number, count in enumerate(COUNTS, start=1):
        shard = tmp_path / "train" / f"shard_{number:04}_of_0003"
        write_mat(shard / "gt.mat", [entry(f"1/{k}.png", f"word {k}") for k in range(first, first + count)])
        (shard / "1").mkdir()
        for k in range(first, first + count):
            cv2.imwrite(str(shard / f"1/{k}.png"), np.full((60, 60, 3), 20 * k, np.uint8))
        first += count
    return tmp_path / "train"


def test_shards_are_one_dataset_in_order(split: Path) -> None:
    reader = open_root(split)
    assert len(reader) == 10 and reader.report.images == 10 and reader.report.words == 20
    for k in range(10):
        assert reader.annotation(k).words == ["word", str(k)] and reader.annotation(k).sample_id == f"1/{k}.png"
        assert (reader[k].image == 20 * k).all() and reader[k].words == ["word", str(k)]
    assert reader.annotation(-1).words == ["word", "9"]
    with pytest.raises(IndexError):
        reader.annotation(10)
    assert len(list(split.glob("shard_*/gt.mat.index"))) == 3
    copy = pickle.loads(pickle.dumps(reader))
    assert copy.fingerprint() == reader.fingerprint() and copy.annotation(4).words == ["word", "4"]


def test_samples_and_drops_count_over_all_shards(split: Path) -> None:
    reader = open_root(split, samples=5)
    assert [reader.annotation(k).words[1] for k in range(5)] == ["0", "2", "4", "6", "8"]
    faulty = entry("1/7.png", "word 7")
    faulty["wordBB"][:, :, 0] = 5  # a box without area
    write_mat(split / "shard_0003_of_0003/gt.mat", [faulty, *(entry(f"1/{k}.png", f"word {k}") for k in (8, 9))])
    assert open_root(split, max_dropped=0.06).report.words == 19  # 1 of 20, though 1 of 6 in its shard
    with pytest.raises(UserError, match=r"1 of 20 words .*max_dropped"):
        open_root(split, max_dropped=0.04)


def test_fingerprint_follows_content_order_and_choice(split: Path, tmp_path: Path) -> None:
    first = open_root(split).fingerprint()
    shutil.copytree(split, tmp_path / "copy", ignore=shutil.ignore_patterns("*.index"))
    assert open_root(tmp_path / "copy").fingerprint() == first
    assert open_root(split, samples=9).fingerprint() != first
    one, three = tmp_path / "copy/shard_0001_of_0003", tmp_path / "copy/shard_0003_of_0003"
    one.rename(tmp_path / "kept"), three.rename(one), (tmp_path / "kept").rename(three)
    assert open_root(tmp_path / "copy").fingerprint() != first


def test_incomplete_and_mixed_shards_are_one_sentence(split: Path) -> None:
    (split / "shard_0002_of_0003").rename(split / ".partial-somebody")
    with pytest.raises(UserError, match=r"1 of 3 shards are missing \(number 2\); run generate.py again"):
        open_root(split)
    (split / ".partial-somebody").rename(split / "shard_0002_of_0004")
    with pytest.raises(UserError, match="holds shards of 3 and of 4"):
        open_root(split)


def test_one_index_folder_serves_all_shards(split: Path, tmp_path: Path) -> None:
    for _ in range(2):
        reader = open_root(split, index_dir=str(tmp_path / "index"))
        assert [reader.annotation(k).words[1] for k in range(10)] == [str(k) for k in range(10)]
    assert len([path for path in (tmp_path / "index").iterdir() if path.is_dir()]) == 3
