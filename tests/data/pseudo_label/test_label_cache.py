"""Labels on disk: whole or absent, the same for any number of processes and after any kill."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from painted_labels import PREPROCESS, PaintedReader, brightness_teacher, painted, small_dataset

from benchmarks.labelling import label_one_by_one
from config.errors import UserError
from data.pseudo_label.cache import LabelCache, fill_cache, remove_old_caches
from data.pseudo_label.reader import PseudoLabels
from data.pseudo_label.records import LabelSettings, LabelStatistics

SETTINGS = LabelSettings(crop_height=64, preprocess=PREPROCESS)
IMAGES = 30


def fill(cache, reader, rank=0, world_size=1, teacher=brightness_teacher):
    fill_cache(cache, reader, SETTINGS, teacher, rank=rank, world_size=world_size, max_batch_pixels=1 << 16)


def bytes_of(labels: PseudoLabels) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((labels.folder / "columns").glob("*.npy"))}


@pytest.fixture(scope="module")
def reader():
    return small_dataset(IMAGES)


@pytest.fixture(scope="module")
def finished(reader, tmp_path_factory):
    cache = LabelCache(tmp_path_factory.mktemp("whole"), reader, SETTINGS, "teacher")
    fill(cache, reader)
    return cache.finish()


def test_what_is_read_is_what_was_labelled(reader, finished):
    plain = list(label_one_by_one(reader, range(IMAGES), SETTINGS, brightness_teacher))
    assert len(finished) == IMAGES
    for index, expected in enumerate(plain):
        stored = finished.of(index)
        for name in ("char_quads", "char_words", "confidence", "kind", "found", "checksum"):
            np.testing.assert_array_equal(getattr(stored, name), getattr(expected, name), name)
    for outside in (-1, IMAGES):
        with pytest.raises(IndexError):
            finished.of(outside)
    kinds = np.concatenate([image.kind for image in plain])
    confidence = np.concatenate([image.confidence for image in plain])
    assert finished.statistics() == LabelStatistics.of(IMAGES, kinds, confidence)
    about = json.loads((finished.folder / "columns" / "labels.json").read_text())
    assert about["statistics"] == finished.statistics().scalars() and about["teacher"] == "teacher"


def test_any_number_of_processes_writes_the_same_bytes(reader, finished, tmp_path):
    caches = [LabelCache(tmp_path, reader, SETTINGS, "teacher") for _ in range(3)]
    shares = [cache.missing(rank, 3) for rank, cache in enumerate(caches)]
    assert sorted(shares[0] + shares[1] + shares[2]) == caches[0].missing() == list(range(4))
    fill(caches[2], reader, 2, 3)
    with pytest.raises(ValueError, match="not all blocks"):
        caches[2].finish()
    fill(caches[0], reader, 0, 3)
    fill(caches[1], reader, 1, 3)
    labels = [cache.finish() for cache in caches]
    assert all(bytes_of(cache) == bytes_of(finished) for cache in labels)
    assert [path.name for path in caches[0].folder.iterdir()] == ["columns"]
    assert caches[0].missing(1, 3) == [] and caches[0].complete


def test_a_pass_that_goes_on_labels_only_what_is_missing(reader, finished, tmp_path):
    cache = LabelCache(tmp_path, reader, SETTINGS, "teacher")
    calls = []

    def dying(batch):
        calls.append(len(batch))
        if len(list(cache.folder.glob("block_*.npz"))) == 2:
            raise KeyboardInterrupt
        return brightness_teacher(batch)

    with pytest.raises(KeyboardInterrupt):
        fill(cache, reader, teacher=dying)
    assert cache.missing() == [2, 3] and not cache.complete
    # The second pass may have another number of processes.
    fill(cache, reader, 0, 2)
    fill(cache, reader, 1, 2)
    assert bytes_of(cache.finish()) == bytes_of(finished)


def slow_teacher(batch):
    time.sleep(0.05)
    return brightness_teacher(batch)


def label_slowly(root):
    reader = small_dataset(IMAGES)
    fill(LabelCache(Path(root), reader, SETTINGS, "teacher"), reader, teacher=slow_teacher)


def test_killed_and_resumed(reader, finished, tmp_path):
    process = multiprocessing.get_context("fork").Process(target=label_slowly, args=(str(tmp_path),))
    process.start()
    cache = LabelCache(tmp_path, reader, SETTINGS, "teacher")
    deadline = time.monotonic() + 60
    while not list(cache.folder.glob("block_*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not cache.complete and 0 < len(cache.missing()) < 4
    (cache.folder / ".block_00003.npz.0.part").write_bytes(b"torn")
    fill(cache, reader)
    assert bytes_of(cache.finish()) == bytes_of(finished)
    assert [path.name for path in cache.folder.iterdir()] == ["columns"]


def read_in_worker(labels: PseudoLabels, queue) -> None:
    queue.put([labels.of(index).char_quads.sum() for index in range(len(labels))])


def test_a_spawned_process_maps_the_same_labels(finished):
    finished.of(0)
    assert len(pickle.dumps(finished)) < 1000
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=read_in_worker, args=(finished, queue))
    process.start()
    sums = queue.get(timeout=120)
    process.join()
    assert sums == [finished.of(index).char_quads.sum() for index in range(IMAGES)]


def test_the_columns_are_mapped_and_not_loaded(finished):
    fresh = PseudoLabels(finished.folder)
    fresh.of(3)
    assert all(isinstance(column, np.memmap) for column in fresh._columns.values())


def test_whatever_labels_depend_on_has_a_cache_of_its_own(reader, tmp_path):
    other = PaintedReader([*reader.samples[:-1], painted("other", [("ab", 9, 9, 2)])])
    keys = [
        (reader, SETTINGS, "one"),
        (reader, SETTINGS, "two"),
        (reader, replace(SETTINGS, sure_fg_th=0.7), "one"),
        (reader, replace(SETTINGS, sure_bg_th=0.1), "one"),
        (reader, replace(SETTINGS, crop_height=96), "one"),
        (reader, replace(SETTINGS, crop_margin=0.1), "one"),
        (reader, replace(SETTINGS, keep_above=0.9), "one"),
        (reader, replace(SETTINGS, amp="bf16"), "one"),
        (reader, replace(SETTINGS, preprocess=replace(PREPROCESS, mean=(0, 0, 0))), "one"),
        (other, SETTINGS, "one"),
    ]
    folders = {LabelCache(tmp_path, *key).folder for key in keys}
    assert len(folders) == len(keys)
    assert LabelCache(tmp_path, reader, LabelSettings(64, preprocess=PREPROCESS), "one").folder in folders


def test_a_dataset_without_words(tmp_path):
    reader = PaintedReader([painted("a", []), painted("b", [])])
    cache = LabelCache(tmp_path, reader, SETTINGS, "teacher")
    fill(cache, reader)
    labels = cache.finish()
    assert len(labels) == 2 and labels.of(1).char_quads.shape == (0, 4, 2)
    assert labels.statistics().labelled == 0 and labels.statistics().mean_confidence == 0.0


def test_old_caches_go_and_the_one_in_use_stays(reader, finished, tmp_path):
    folders = []
    for index in range(5):
        folder = LabelCache(tmp_path, reader, SETTINGS, f"t{index}").folder
        shutil.copytree(finished.folder, folder)
        os.utime(folder, ns=(index * 10**9, index * 10**9))
        folders.append(folder)
    stranger = tmp_path / "notes"
    stranger.mkdir()
    removed = remove_old_caches(tmp_path, 2, dataset=reader.fingerprint(), using=folders[1])
    assert removed == [folders[2], folders[0]]
    assert sorted(tmp_path.iterdir()) == sorted([folders[1], folders[3], folders[4], stranger])
    assert remove_old_caches(tmp_path, 2, dataset="another") == []


def test_a_damaged_column_is_one_sentence(finished, tmp_path):
    for damage in (b"", b"\x93NUMPY nonsense"):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(finished.folder, tmp_path / "copy")
        (tmp_path / "copy" / "columns" / "kind.npy").write_bytes(damage)
        with pytest.raises(UserError, match=r"kind\.npy cannot be read .*; remove .*copy"):
            PseudoLabels(tmp_path / "copy").of(0)


def test_a_folder_that_cannot_be_made_is_one_sentence(reader, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="pseudo-labels cannot be written"):
        fill(LabelCache(tmp_path / "file", reader, SETTINGS, "teacher"), reader)
