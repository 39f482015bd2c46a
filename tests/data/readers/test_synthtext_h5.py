from __future__ import annotations

import multiprocessing
from pathlib import Path

import h5py
import numpy as np
import pytest
from synthtext_files import entry

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.reader import UnreadableSample
from data.readers import open_dataset

REAL = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "synthtext"


def write_h5(path, entries):
    with h5py.File(path, "w") as file:
        for k, item in enumerate(entries):
            image = item.get("image", np.full((60, 100, 3), k, np.uint8))
            dataset = file.create_dataset(f"data/{item['imnames']}", data=image)
            for name in ("wordBB", "charBB"):
                if name in item:
                    dataset.attrs[name] = item[name].reshape(2, 4, -1).astype(np.float32)
            if "txt" in item:
                dataset.attrs["txt"] = np.array([text.encode() for text in item["txt"]])


def open_root(root, **options):
    return open_dataset(SynthTextDataset(root=str(root), **options))


@pytest.mark.skipif(not REAL.is_dir(), reason="the real .h5 files are not here")
def test_real_files(tmp_path):
    reader = open_root(REAL, index_dir=str(tmp_path))
    assert (reader.report.images, reader.report.words, reader.report.chars) == (10, 126, 587)
    assert not reader.report.dropped
    words = 0
    for path in sorted(REAL.glob("*.h5")):
        with h5py.File(path) as file:
            for name, dataset in file["data"].items():
                index = [reader.annotation(k).sample_id for k in range(10)].index(f"{path.name}/{name}")
                sample = reader[index]
                np.testing.assert_array_equal(sample.image, dataset[()])
                np.testing.assert_array_equal(sample.word_quads[-1], dataset.attrs["wordBB"][:, :, -1].T)
                np.testing.assert_array_equal(
                    sample.char_quads[5], dataset.attrs["charBB"][:, :, 5].T.astype(np.float32)
                )
                assert sample.words == b" ".join(dataset.attrs["txt"]).decode().split()
                assert np.bincount(sample.char_words).tolist() == [len(word) for word in sample.words]
                words += len(sample.words)
    assert words == 126 and not reader.report.dropped


def test_all_files_of_the_root_or_one(tmp_path):
    write_h5(tmp_path / "set_10.h5", [entry("c.jpg_0", "ten")])
    write_h5(tmp_path / "set_2.h5", [entry("a.jpg_0", "two words"), entry("b.jpg_0", " x\ny ", "z")])
    (tmp_path / ".hidden.h5").write_text("not read")
    reader = open_root(tmp_path)
    assert [reader[k].sample_id for k in range(3)] == ["set_2.h5/a.jpg_0", "set_2.h5/b.jpg_0", "set_10.h5/c.jpg_0"]
    assert [reader[k].words for k in range(3)] == [["two", "words"], ["x", "y", "z"], ["ten"]]
    assert [int(reader[k].image[0, 0, 0]) for k in range(3)] == [0, 1, 0]
    single = open_root(tmp_path, gt="set_10.h5")
    assert len(single) == 1 and single[0].words == ["ten"]
    assert len({reader.fingerprint(), single.fingerprint()}) == 2


def test_faults_are_counted_as_for_mat_files(tmp_path):
    short, bare = entry("short", "two words"), entry("bare", "text")
    short["wordBB"] = short["wordBB"][:, :, :1]
    del bare["charBB"], bare["txt"]
    write_h5(tmp_path / "a.h5", [short, bare, entry("good", "fine")])
    reader = open_root(tmp_path, max_dropped=1.0)
    assert len(reader) == 1 and reader[0].words == ["fine"]
    assert reader.report.dropped == {
        "image: its text cannot be read": 1,
        "image: word boxes and words differ in number": 1,
        "word: its image was left out": 3,
    }


def test_an_image_of_another_kind_is_unreadable(tmp_path):
    write_h5(tmp_path / "a.h5", [{**entry("grey", "a"), "image": np.zeros((9, 9), np.uint8)}])
    with pytest.raises(UnreadableSample, match="not a uint8 array"):
        open_root(tmp_path)[0]


def test_a_file_that_goes_away_makes_samples_unreadable(tmp_path):
    write_h5(tmp_path / "a.h5", [entry("x", "a")])
    reader = open_root(tmp_path)
    (tmp_path / "a.h5").unlink()
    with pytest.raises(UnreadableSample, match="cannot be read"):
        reader[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<html>", "web page"),
        (bytes(99), "damaged"),
    ],
)
def test_files_that_are_no_h5(tmp_path, content, says):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(UserError, match=says):
        open_root(tmp_path)


def test_another_hdf5_file(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["weights"] = np.zeros(3)
    with pytest.raises(UserError, match="no group `data`"):
        open_root(tmp_path)


def read(reader):
    return [int(reader[k].image[0, 0, 0]) for k in range(len(reader))]


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_open_their_own_handles(tmp_path, method):
    write_h5(tmp_path / "a.h5", [entry(f"{k}", "word") for k in range(5)])
    reader = open_root(tmp_path)
    assert read(reader) == [0, 1, 2, 3, 4]  # the parent's handle is open now
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(read, [reader] * 4) == [[0, 1, 2, 3, 4]] * 4
