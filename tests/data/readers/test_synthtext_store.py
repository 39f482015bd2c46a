from __future__ import annotations

import contextlib
import errno
import logging
import multiprocessing
import os
from pathlib import Path

import numpy as np
import pytest
from synthtext_files import entry, write_mat

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.readers import open_dataset, synthtext_index, synthtext_store
from data.readers.npy import NpyWriter
from data.readers.synthtext_mat import MatSource


def open_root(root, **options):
    return open_dataset(SynthTextDataset(root=str(root), **options))


def indices(folder):
    return sorted(path.parent for path in Path(folder).rglob("index.json"))


@pytest.fixture
def root(tmp_path):
    write_mat(tmp_path / "root/gt.mat", [entry(f"1/{k}.jpg", "some words") for k in range(5)])
    return tmp_path / "root"


@pytest.fixture
def conversions(monkeypatch):
    """Count how often a ground truth is read from front to back."""
    done = []
    fill = MatSource.fill
    monkeypatch.setattr(MatSource, "fill", lambda self, spool: (done.append(self.label), fill(self, spool)))
    return done


def test_the_index_is_made_once_and_complete(root, conversions):
    first = open_root(root)
    (folder,) = indices(root)
    assert folder.parent == root / "gt.mat.index"
    assert {path.name for path in folder.iterdir()} == {
        "index.json",
        *(f"{name}.npy" for name in synthtext_index.ARRAYS),
    }
    assert {path.name for path in folder.parent.iterdir()} <= {folder.name, ".lock"}
    second = open_root(root)
    assert len(conversions) == 1
    assert second.fingerprint() == first.fingerprint() and vars(second.report) == vars(first.report)


def test_a_changed_source_is_converted_again(root, conversions):
    old = open_root(root).fingerprint()
    write_mat(root / "gt.mat", [entry(f"1/{k}.jpg", "same words") for k in range(5)])
    reader = open_root(root)
    assert reader.annotation(0).words == ["same", "words"] and reader.fingerprint() != old
    assert len(conversions) == 2 and len(indices(root)) == 1  # the old one is gone


def test_a_touched_source_is_converted_again_to_the_same_content(root, conversions):
    first = open_root(root).fingerprint()
    os.utime(root / "gt.mat", (1, 1))
    assert open_root(root).fingerprint() == first and len(conversions) == 2


def test_another_format_version_is_converted_again(root, conversions, monkeypatch):
    open_root(root)
    newer = synthtext_index.FORMAT + 1
    monkeypatch.setattr(synthtext_index, "FORMAT", newer)
    monkeypatch.setattr(synthtext_store, "FORMAT", newer)
    open_root(root)
    assert len(conversions) == 2 and len(indices(root)) == 1


@pytest.mark.parametrize("damage", ["cut", "no json", "array gone", "bad json", "other length"])
def test_a_damaged_index_is_made_again(root, conversions, damage):
    open_root(root)
    (folder,) = indices(root)
    if damage == "cut":
        data = (folder / "char_quads.npy").read_bytes()
        (folder / "char_quads.npy").write_bytes(data[: len(data) // 2])
    elif damage == "no json":
        (folder / "index.json").unlink()
    elif damage == "array gone":
        (folder / "texts.npy").unlink()
    elif damage == "bad json":
        (folder / "index.json").write_text("{")
    else:
        np.save(folder / "word_quads.npy", np.zeros((3, 4, 2), np.float32))
    assert open_root(root).annotation(4).words == ["some", "words"]
    assert len(conversions) == 2


def test_index_dir_takes_it_and_is_shared(root, tmp_path):
    write_mat(tmp_path / "other/gt.mat", [entry("1/x.jpg", "other")])
    shared = tmp_path / "indices"
    for folder in (root, tmp_path / "other", root):
        open_root(folder, index_dir=str(shared))
    assert len(indices(shared)) == 2 and not indices(root) and not indices(tmp_path / "other")


def test_a_folder_that_cannot_be_written_sends_it_to_the_cache(root, tmp_path, monkeypatch, conversions):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (root / "gt.mat.index").write_text("a file where the folder should be")
    for _ in range(2):
        assert len(open_root(root)) == 5
    assert len(conversions) == 1
    (folder,) = indices(tmp_path)
    assert folder.parents[1] == tmp_path / "cache/ocr-trainer"


def test_a_read_only_folder_stays_untouched_even_by_root(root, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root.chmod(0o555)
    try:
        assert len(open_root(root)) == 5
        assert [path.name for path in root.iterdir()] == ["gt.mat"] and len(indices(tmp_path / "cache")) == 1
    finally:
        root.chmod(0o755)


def test_no_folder_can_be_written(root, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="set the dataset's `index_dir`"):
        open_root(root, index_dir=str(tmp_path / "file/index"))


def test_a_full_disk_is_one_sentence_and_leaves_nothing(root, monkeypatch):
    def full(self, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(NpyWriter, "append", full)
    with pytest.raises(UserError, match=r"the disk is full.*`index_dir`"):
        open_root(root)
    assert {left.name for left in (root / "gt.mat.index").iterdir()} <= {".lock"}


def test_what_a_killed_conversion_left_is_ignored_and_removed_later(root):
    young, old = root / "gt.mat.index/.making-young", root / "gt.mat.index/.making-old"
    for folder in (young, old):
        folder.mkdir(parents=True)
        (folder / "index.json").write_text("half")
    os.utime(old, (1, 1))
    assert len(open_root(root)) == 5
    assert young.exists() and not old.exists()


def test_an_index_that_vanishes_is_one_sentence(root):
    reader = open_root(root)
    (folder,) = indices(root)
    (folder / "names.npy").unlink()
    reader._index._arrays = None  # as in a worker that has not mapped it yet
    with pytest.raises(UserError, match="start again to rebuild"):
        reader.annotation(0)


def convert(root, start, results, use_lock):
    if not use_lock:
        synthtext_store._lock = lambda path: contextlib.nullcontext()
    logging.disable()
    start.wait()
    reader = open_root(root)
    results.put((len(reader), reader.fingerprint(), reader.annotation(1999).words))


@pytest.mark.parametrize("use_lock", [True, False])
def test_processes_that_convert_at_once(tmp_path, use_lock):
    write_mat(tmp_path / "gt.mat", [entry(f"1/{k}.jpg", "some words") for k in range(2000)])
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=convert, args=(tmp_path, start, results, use_lock)) for _ in range(3)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert len({str(answer) for answer in answers}) == 1 and answers[0][0] == 2000
    (folder,) = indices(tmp_path)
    assert {path.name for path in folder.parent.iterdir()} <= {folder.name, ".lock"}


@pytest.mark.parametrize("pieces", [[], [0], [3, 0, 5], [1] * 12])
def test_npy_written_in_pieces_is_read_by_numpy(tmp_path, pieces):
    parts = [np.random.default_rng(k).normal(size=(n, 4, 2)).astype(np.float32) for k, n in enumerate(pieces)]
    writer = NpyWriter(tmp_path / "x.npy", "<f4", (4, 2))
    for part in parts:
        writer.append(part)
    writer.finish()
    expected = np.concatenate([np.zeros((0, 4, 2), np.float32), *parts])
    for mode in (None, "r"):
        loaded = np.load(tmp_path / "x.npy", mmap_mode=mode)
        assert loaded.dtype == np.float32
        np.testing.assert_array_equal(loaded, expected)
    with pytest.raises(ValueError, match="entries of shape"):
        NpyWriter(tmp_path / "y.npy", "<f4", (4, 2)).append(np.zeros((3, 2)))
