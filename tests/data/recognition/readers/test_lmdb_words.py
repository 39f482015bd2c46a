"""LMDB databases: those of other tools, written here by plain lmdb, and those that the generator writes."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest
from word_files import (
    assert_consistent,
    encoded,
    names,
    picture,
    read_in_new_process,
    texts,
    word_pairs,
    write_lmdb,
    write_pictures,
)

from config.errors import UserError
from config.schema.word_crops import LmdbWords
from data.reader import UnreadableSample
from data.recognition.readers import open_words
from data.recognition.writers.lmdb import LmdbItem
from data.synth.writing.crops import LmdbOutput

LABELS = ["GRAND", "two words", "größe", ']^-\\ "A"', "😀", "a,b"]


def opened(root: Path, **options):
    return open_words(LmdbWords(root=str(root), **options))


def test_deep_text_recognition_benchmarks_keys(tmp_path: Path) -> None:
    reader = opened(write_lmdb(tmp_path / "x", word_pairs(LABELS)))
    assert_consistent(reader)
    assert texts(reader) == LABELS and names(reader)[0] == "image-000000001"
    assert [np.array_equal(reader[k].image, picture(k)) for k in range(6)] == [True] * 6
    assert reader.raw(3) == encoded(3) and reader.path(3) is None
    assert (reader.report.words, reader.report.chars) == (6, sum(map(len, LABELS))) and not reader.report.dropped


def test_a_database_that_is_one_file(tmp_path: Path) -> None:
    folder = write_lmdb(tmp_path / "x", word_pairs(LABELS))
    (folder / "data.mdb").rename(tmp_path / "words.lmdb")
    assert texts(opened(tmp_path / "words.lmdb")) == LABELS


def test_a_tree_of_databases_is_joined(tmp_path: Path) -> None:
    for index, part in enumerate(("MJ/MJ_train", "MJ/MJ_valid", "ST", ".old")):
        write_lmdb(tmp_path / part, word_pairs([f"{part} {k}" for k in range(2)], 10 * index))
    reader = opened(tmp_path)
    assert_consistent(reader)
    assert texts(reader) == [f"{part} {k}" for part in ("MJ/MJ_train", "MJ/MJ_valid", "ST") for k in range(2)]
    assert names(reader)[3] == "MJ/MJ_valid/image-000000002"
    assert np.array_equal(reader[3].image, picture(11))


def test_what_the_generator_writes_is_read_with_all_its_shards(tmp_path: Path) -> None:
    for shard, labels in enumerate((LABELS[:2], LABELS[2:4], LABELS[4:]), 1):
        folder = tmp_path / f"shard_{shard:04}_of_0003"
        folder.mkdir()
        items = [LmdbItem(encoded(10 * shard + k), label) for k, label in enumerate(labels)]
        LmdbOutput().finish(folder, iter(items))
    reader = opened(tmp_path)
    assert_consistent(reader)
    assert texts(reader) == LABELS
    assert names(reader)[2] == "shard_0002_of_0003/image-000000001"
    shutil.rmtree(tmp_path / "shard_0002_of_0003")
    with pytest.raises(UserError, match=r"1 of 3 shards are missing \(number 2\)"):
        opened(tmp_path)
    (tmp_path / "shard_0002_of_0003").mkdir()
    with pytest.raises(UserError, match=r"shard_0002_of_0003: holds no data.mdb; make this shard again"):
        opened(tmp_path)


def test_labels_alone_belong_to_files_beside_the_database(tmp_path: Path) -> None:
    write_pictures(tmp_path / "imgs", ["a.jpg", "b.png"])
    pairs = {
        "num-samples": b"4",
        "label-000000001": json.dumps({"filename": "a.jpg", "text": "one"}).encode(),
        "label-000000002": b"b.png two words",
        "label-000000003": b"{broken",
        "label-000000004": b'{"filename": 3, "text": "x"}',
    }
    folder = write_lmdb(tmp_path / "label.lmdb", pairs)
    reader = opened(folder, images="imgs", max_dropped=1.0)
    assert_consistent(reader)
    assert list(zip(names(reader), texts(reader), strict=True)) == [("a.jpg", "one"), ("b.png", "two words")]
    assert reader.report.dropped == {"word: its label names no file": 2}
    with pytest.raises(UserError, match="holds labels, but no images; set the dataset's `images` to their folder"):
        opened(folder)


def test_faults_within_are_counted_and_left_out(tmp_path: Path) -> None:
    pairs = word_pairs([f"word {k}" for k in range(1, 11)])
    del pairs["label-000000002"], pairs["image-000000004"]
    pairs |= {
        "label-000000003": b"",
        "label-000000005": b"\xff",
        "label-000000006": b" ",
        "label-000000011": b"beyond",
        "note": b"x",
    }
    reader = opened(write_lmdb(tmp_path / "x", pairs), max_dropped=1.0)
    assert_consistent(reader)
    assert texts(reader) == [f"word {k}" for k in (1, 7, 8, 9, 10)]
    assert names(reader)[1] == "image-000000007"
    assert reader.report.dropped == {
        "word: its label is empty": 1,
        "word: its label is white space alone": 1,
        "word: its label is not UTF-8": 1,
        "word: its label is missing": 1,
        "word: its image is missing": 1,
    }
    assert reader.report.examples["word: its label is missing"] == ["label-000000002"]
    assert reader.report.noted == {"label: its number is beyond num-samples": 1}
    with pytest.raises(UserError, match=r"5 of 10 words \(50.00%\) are faulty"):
        opened(tmp_path / "x")


def test_most_samples_may_be_left_out(tmp_path: Path) -> None:
    pairs = word_pairs(["" if k % 5 else f"word {k}" for k in range(30)])
    assert texts(opened(write_lmdb(tmp_path / "x", pairs), max_dropped=1.0)) == [f"word {k}" for k in range(0, 30, 5)]


def test_a_damaged_picture_is_unreadable_and_a_database_of_them_is_refused(tmp_path: Path) -> None:
    pairs = word_pairs(LABELS)
    cut = encoded(1, ".jpg", 60, 200)[:512]
    reader = opened(write_lmdb(tmp_path / "one", {**pairs, "image-000000002": cut}))
    with pytest.raises(UnreadableSample, match="image-000000002: image: cut off"):
        reader[1]
    assert reader.size(1) == (60, 200), "the header is whole"
    with pytest.raises(
        UserError, match=r"1 of 1 pictures looked at cannot be read \(e.g. image-000000001: .*cut off\)"
    ) as caught:
        opened(write_lmdb(tmp_path / "all", {**word_pairs(["x"]), "image-000000001": cut}))
    assert "\n" not in str(caught.value)


def test_databases_that_are_none_are_refused_with_one_sentence(tmp_path: Path) -> None:
    whole = write_lmdb(tmp_path / "whole", word_pairs([f"w{k}" for k in range(200)]))
    data = (whole / "data.mdb").read_bytes()
    cases = {
        "cut": (data[:-5000], r"this LMDB database is cut off \([0-9,]+ of [0-9,]+ bytes\)"),
        "start": (data[:100], "cannot be opened|cut off"),
        "noise": (os.urandom(len(data)), "this LMDB database cannot be opened"),
        "page": (b"<!DOCTYPE html><html></html>" * 500, "this is no LMDB database, it is a web page"),
        "pointer": (b"version https://git-lfs.github.com/spec/v1\noid x\n" * 300, "it is a Git LFS pointer"),
        "nothing": (b"", "it is an empty file"),
    }
    for name, (content, message) in cases.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.mdb").write_bytes(content)
        with pytest.raises(UserError, match=message) as caught:
            opened(tmp_path / name)
        assert "\n" not in str(caught.value), name
    with pytest.raises(UserError, match=r"bare: holds no data.mdb, nor does a folder in it"):
        (tmp_path / "bare").mkdir()
        opened(tmp_path / "bare")


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"000000001_key": b"x"}, r"lacks the key num-samples .* \(its first key is '000000001_key'\)"),
        ({}, r"lacks the key num-samples .* \(it is empty\)"),
        ({"num-samples": b"ten", "a": b"b"}, "num-samples of this database is 'ten', but it has 2 keys"),
        ({"num-samples": b"0", "a": b"b"}, "num-samples of this database is '0'"),
        ({"num-samples": b"99999999999999", "a": b"b"}, "num-samples of this database is '99999999999999'"),
    ],
)
def test_other_keys_are_refused_with_one_sentence(tmp_path: Path, pairs: dict, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        opened(write_lmdb(tmp_path / "x", pairs))
    assert "\n" not in str(caught.value)


def test_readers_share_a_database_and_close_it(tmp_path: Path) -> None:
    folder = write_lmdb(tmp_path / "x", word_pairs(LABELS))
    reader, other = opened(folder), opened(folder)
    assert reader[0].text == other[0].text == LABELS[0]
    del reader
    assert other[1].text == LABELS[1]
    del other
    # LMDB opens no database twice in a process: somebody else can, once all readers have gone.
    lmdb.open(str(folder), readonly=True, lock=False).close()


def test_another_database_in_the_same_place_is_another(tmp_path: Path) -> None:
    folder = write_lmdb(tmp_path / "x", word_pairs(["old"]))
    reader = opened(folder)
    assert reader[0].text == "old"
    shutil.rmtree(folder)
    write_lmdb(folder, word_pairs(["new"]))
    del reader
    assert opened(folder)[0].text == "new"


def test_a_reader_is_small_and_reads_in_new_and_forked_processes(tmp_path: Path) -> None:
    reader = opened(write_lmdb(tmp_path / "x", word_pairs([f"w{k}" for k in range(500)])))
    assert reader[1].text == "w1"  # the database is open here
    assert len(pickle.dumps(reader)) < 1000
    assert read_in_new_process(reader, 499) == ("image-000000500", "w499", picture(499).tobytes())
    if hasattr(os, "fork"):
        child = os.fork()
        if child == 0:
            again = opened(tmp_path / "x")
            os._exit(0 if reader[7].text == again[7].text == "w7" else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert reader[7].text == "w7"


def test_a_read_only_folder_will_do(tmp_path: Path) -> None:
    folder = write_lmdb(tmp_path / "x", word_pairs(LABELS))
    for path in folder.iterdir():
        if path.name != "data.mdb":
            path.unlink()
    folder.chmod(0o555)
    try:
        assert texts(opened(folder)) == LABELS
        assert [path.name for path in folder.iterdir()] == ["data.mdb"], "nothing was written"
    finally:
        folder.chmod(0o755)


def test_fingerprints_change_with_labels(tmp_path: Path) -> None:
    prints = [
        opened(write_lmdb(tmp_path / str(k), word_pairs(labels))).fingerprint()
        for k, labels in enumerate((LABELS, LABELS, LABELS[:-1], [*LABELS[:-1], "x"]))
    ]
    assert prints[0] == prints[1] and len(set(prints)) == 3
