from __future__ import annotations

import multiprocessing
import pickle

import cv2
import numpy as np
import pytest
import scipy.io
from synthtext_files import box, boxes, entry, plain_read, write_mat

from config.errors import UserError
from config.schema.datasets import SynthTextDataset
from data.reader import UnreadableSample
from data.readers import open_dataset


def open_mat(path, **options):
    return open_dataset(SynthTextDataset(root=str(path.parent), **options))


def faulty(tmp_path, *entries, **options):
    """Open a ground truth of which any share may be faulty."""
    return open_mat(write_mat(tmp_path / "gt.mat", list(entries)), max_dropped=1.0, **options)


@pytest.mark.parametrize("options", [{}, {"do_compression": True}, {"oned_as": "column"}])
def test_reader_equals_plain_reading(tmp_path, options):
    rng = np.random.default_rng(1)
    entries = []
    for k in range(57):
        words = ["".join(rng.choice(list("abcdeéß文"), rng.integers(1, 9))) for _ in range(rng.integers(1, 7))]
        # Every way to part and pad: spaces, newlines, several strings.
        texts = [f" {words[0]}  ", "\n ".join(words[1:3]) + " \n", *words[3:]]
        written = entry(f"{k % 3}/picture {k}.jpg", *texts)
        written["txt"] = texts
        written["charBB"] = written["charBB"] + rng.normal(size=written["charBB"].shape)
        entries.append(written)
    path = write_mat(tmp_path / "gt.mat", entries, **options)
    reader, expected = open_mat(path), plain_read(path)
    assert len(reader) == len(expected) == 57
    for k, (name, words, word_quads, char_quads, owners) in enumerate(expected):
        sample = reader.annotation(k)
        assert (sample.sample_id, sample.words) == (name, words)
        np.testing.assert_array_equal(sample.word_quads, word_quads.astype(np.float32))
        np.testing.assert_array_equal(sample.char_quads, char_quads.astype(np.float32))
        assert sample.char_words.tolist() == owners
        assert sample.char_words.dtype == np.int64 and not sample.ignore.any() and len(sample.ignore) == len(words)
        assert sample.word_quads.flags.writeable and sample.char_quads.flags.writeable
    assert reader.report.images == 57 and not reader.report.dropped
    assert reader.report.words == sum(len(words) for _, words, *_ in expected)
    assert reader.report.chars == sum(len(owners) for *_, owners in expected)


def test_one_word_has_a_flat_box(tmp_path):
    written = entry("1/a.jpg", " I ")
    assert written["wordBB"].shape == written["charBB"].shape == (2, 4)
    sample = open_mat(write_mat(tmp_path / "gt.mat", [written])).annotation(0)
    assert sample.words == ["I"]
    np.testing.assert_array_equal(sample.word_quads, [[[5, 5], [14, 5], [14, 17], [5, 17]]])
    np.testing.assert_array_equal(sample.char_quads, [[[5, 5], [13, 5], [13, 17], [5, 17]]])


def test_images_come_with_the_annotation_in_rgb(tmp_path):
    path = write_mat(tmp_path / "gt.mat", [entry("1/a.png", "ab")])
    (tmp_path / "1").mkdir()
    cv2.imwrite(str(tmp_path / "1/a.png"), np.full((40, 60, 3), (1, 2, 3), np.uint8))
    sample = open_mat(path)[0]
    assert sample.image.shape == (40, 60, 3) and sample.image[0, 0].tolist() == [3, 2, 1]
    assert sample.words == ["ab"] and sample.sample_id == "1/a.png"


def test_a_missing_image_is_reported_when_read(tmp_path):
    reader = open_mat(write_mat(tmp_path / "gt.mat", [entry("1/a.jpg", "ab")]))
    with pytest.raises(UnreadableSample) as caught:
        reader[0]
    assert (caught.value.sample_id, caught.value.reason) == ("1/a.jpg", "image: missing")


def test_a_link_out_of_the_root_is_refused(tmp_path):
    root = tmp_path / "root"
    path = write_mat(root / "gt.mat", [entry("1/a.png", "ab")])
    (root / "1").mkdir()
    cv2.imwrite(str(tmp_path / "outside.png"), np.zeros((9, 9, 3), np.uint8))
    (root / "1/a.png").symlink_to(tmp_path / "outside.png")
    with pytest.raises(UnreadableSample, match="leads outside"):
        open_mat(path)[0]


@pytest.mark.parametrize("change", ["a word box too few", "a character box too many"])
def test_numbers_that_differ_drop_the_image(tmp_path, change):
    bad = entry("1/bad.jpg", "two words")
    if change == "a word box too few":
        bad["wordBB"] = box(5, 5)
        reason = "image: word boxes and words differ in number"
    else:
        bad["charBB"] = np.concatenate([bad["charBB"], box(0, 0)[:, :, None]], 2)
        reason = "image: character boxes and characters differ in number"
    reader = faulty(tmp_path, entry("1/a.jpg", "good"), bad, entry("1/c.jpg", "ones here"))
    assert [reader.annotation(k).words for k in range(len(reader))] == [["good"], ["ones", "here"]]
    assert reader.report.dropped == {reason: 1, "word: its image was left out": 2}
    assert reader.report.examples[reason][0].startswith("1/bad.jpg (")
    assert (reader.report.images, reader.report.words, reader.report.chars) == (2, 3, 12)


def test_degenerate_words_and_characters(tmp_path):
    flat = entry("1/flat.jpg", "aa bb cc dd ee")
    flat["wordBB"][:, :, 1] = box(5, 5, 30, 0)
    flat["wordBB"][0, 2, 2] = np.nan
    flat["wordBB"][:, :, 3] = box(5, 5)[:, [0, 1, 3, 2]]  # sides cross
    flat["charBB"][:, :, 8] = 0  # the first e
    alone = entry("1/alone.jpg", "x yz")
    alone["charBB"][:, :, 0] = np.inf
    outside = entry("1/outside.jpg", "in out")
    outside["wordBB"][0, :, 1] -= 500
    reader = faulty(tmp_path, flat, alone, outside)
    assert [reader.annotation(k).words for k in range(3)] == [["aa", "ee"], ["yz"], ["in"]]
    sample = reader.annotation(0)
    assert sample.char_words.tolist() == [0, 0, 1]  # "ee" keeps its second character
    np.testing.assert_array_equal(sample.char_quads[2], flat["charBB"][:, :, 9].T.astype(np.float32))
    assert reader.report.dropped == {
        "word: zero or near-zero area": 1,
        "word: a coordinate is not finite": 1,
        "word: sides cross": 1,
        "word: no usable character box": 1,
        "word: outside the image": 1,
        "char: its word was left out": 6 + 3,
        "char: zero or near-zero area": 1,
        "char: a coordinate is not finite": 1,
    }
    assert reader.report.examples["word: a coordinate is not finite"] == ["1/flat.jpg word 3"]
    assert (reader.report.images, reader.report.words, reader.report.chars) == (3, 4, 3 + 2 + 2)


def test_boxes_beyond_the_right_edge_are_dropped_when_read(tmp_path):
    written = entry("1/a.png", "in part out")
    written["wordBB"][0, :, 1] += 40  # 45..81 of 60: partly inside
    written["wordBB"][0, :, 2] += 100
    (tmp_path / "1").mkdir()
    cv2.imwrite(str(tmp_path / "1/a.png"), np.zeros((100, 60, 3), np.uint8))
    reader = faulty(tmp_path, written)
    for _ in range(2):  # counted once, however often it is read
        sample = reader[0]
        assert sample.words == ["in", "part"] and len(sample.ignore) == 2
        assert sample.char_words.tolist() == [0, 0, 1, 1, 1, 1]
        assert reader.report.dropped == {"word: outside the image": 1, "char: outside the image": 3}
        assert (reader.report.words, reader.report.chars) == (2, 6)
    assert reader.annotation(0).words == ["in", "part", "out"]


def test_mirrored_words_keep_their_corners(tmp_path):
    written = entry("1/a.jpg", "ab")
    written["wordBB"] = box(5, 5, 18)[:, [1, 0, 3, 2]]
    sample = open_mat(write_mat(tmp_path / "gt.mat", [written])).annotation(0)
    np.testing.assert_array_equal(sample.word_quads[0], written["wordBB"].T)


def test_composed_characters_keep_one_box_each(tmp_path):
    decomposed = "e\u0301a"  # a generator that went by code points drew a box for the accent
    written = entry("1/a.jpg", decomposed, "\u212b")  # the angstrom sign becomes one other character
    sample = open_mat(write_mat(tmp_path / "gt.mat", [written])).annotation(0)
    assert sample.words == ["\u00e9a", "\u00c5"]
    assert sample.char_words.tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    "name", ["/etc/a.jpg", "../a.jpg", "1/../../a.jpg", "..\\a.jpg", "C:\\a.jpg", "\\\\host\\a.jpg"]
)
def test_names_that_leave_the_root_are_refused(tmp_path, name):
    path = write_mat(tmp_path / "gt.mat", [entry("1/a.jpg", "ab"), entry(name, "ab")])
    with pytest.raises(UserError, match=r"image 2 is called .* out of the data root"):
        open_mat(path)


def test_dots_within_a_name_are_harmless(tmp_path):
    assert open_mat(write_mat(tmp_path / "gt.mat", [entry("1/a..b.jpg", "ab")])).annotation(0).words == ["ab"]


def test_malformed_cells_drop_their_image_only(tmp_path):
    shape, kind, name = entry("1/shape.jpg", "ab"), entry("1/kind.jpg", "ab"), entry("1/name.jpg", "ab")
    shape["wordBB"] = np.zeros((4, 2))
    kind["txt"] = np.zeros(3)
    name["imnames"] = np.array(["a.jpg", "b.jpg"])
    reader = faulty(tmp_path, shape, kind, name, entry("1/good.jpg", "fine"))
    assert len(reader) == 1 and reader.annotation(0).words == ["fine"]
    assert reader.report.dropped == {
        "image: its boxes are not a 2x4xN array": 1,
        "image: its text cannot be read": 1,
        "image: its name cannot be read": 1,
        "word: its image was left out": 1 + 1 + 1,
    }


def test_an_image_without_words_stays(tmp_path):
    empty = {"imnames": "1/empty.jpg", "txt": [" "], "wordBB": np.zeros((0, 0)), "charBB": np.zeros((2, 4, 0))}
    reader = open_mat(write_mat(tmp_path / "gt.mat", [empty, entry("1/a.jpg", "ab")]))
    sample = reader.annotation(0)
    assert sample.words == [] and sample.word_quads.shape == sample.char_quads.shape == (0, 4, 2)
    assert reader.annotation(1).words == ["ab"]


def test_too_many_faulty_words(tmp_path):
    bad = entry("1/bad.jpg", "one two three")
    bad["wordBB"][:, :, 1] = 0
    path = write_mat(tmp_path / "gt.mat", [bad])
    with pytest.raises(UserError) as caught:
        open_mat(path, max_dropped=0.3)
    message = str(caught.value)
    assert "1 of 3 words (33.33%)" in message and "`max_dropped` (0.3)" in message
    assert "1 x word: zero or near-zero area (e.g. 1/bad.jpg word 2)" in message and "\n" not in message
    assert len(open_mat(path, max_dropped=0.34)) == 1


def test_samples_are_spread_evenly(tmp_path):
    path = write_mat(tmp_path / "gt.mat", [entry(f"1/{k}.jpg", "ab") for k in range(10)])
    some = open_mat(path, samples=4)
    assert [some.annotation(k).sample_id for k in range(len(some))] == ["1/0.jpg", "1/2.jpg", "1/5.jpg", "1/7.jpg"]
    assert some.annotation(-1).sample_id == "1/7.jpg"
    assert len(open_mat(path, samples=11)) == len(open_mat(path)) == 10
    assert some.fingerprint() != open_mat(path).fingerprint()
    with pytest.raises(IndexError):
        some.annotation(4)
    with pytest.raises(UserError, match="samples: 0"):
        open_mat(path, samples=0)


def test_fingerprint_follows_the_content_not_the_place(tmp_path):
    entries = [entry("1/a.jpg", "ab"), entry("1/b.jpg", "cd")]
    first = open_mat(write_mat(tmp_path / "one/gt.mat", entries)).fingerprint()
    assert open_mat(write_mat(tmp_path / "two/gt.mat", entries, do_compression=True)).fingerprint() == first
    entries[1]["charBB"][0, 0, 0] += 0.25
    assert open_mat(write_mat(tmp_path / "three/gt.mat", entries)).fingerprint() != first


def describe(reader):
    sample = reader.annotation(len(reader) - 1)
    return sample.sample_id, sample.words, sample.char_quads.sum()


@pytest.mark.parametrize("method", ["spawn", "fork"])
def test_workers_get_a_small_reader_that_works(tmp_path, method):
    path = write_mat(tmp_path / "gt.mat", [entry(f"1/{k}.jpg", "some words") for k in range(300)])
    reader = open_mat(path)
    assert len(pickle.dumps(reader)) < 2000
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.apply(describe, (reader,)) == describe(reader)


HDF5 = b"\x89HDF\r\n\x1a\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "an empty file"),
        (b"x1,y1,x2,y2\n", "a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>", "a web page"),
        (b"MATLAB 7.3 MAT-file, Platform".ljust(512) + HDF5, "v7.3 .*'-v7'"),
        (HDF5 + bytes(600), "an HDF5 file"),
        (b"PK\x03\x04" + bytes(600), "zip"),
        (bytes(600), "not a MATLAB file"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI", "big-endian"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"\x0f\x00\x00\x00\xff\x00\x00\x00", "is damaged"),
        (b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM", r"no variable imnames, txt, wordBB, charBB \(there: none"),
    ],
)
def test_files_that_are_no_ground_truth(tmp_path, content, says):
    (tmp_path / "gt.mat").write_bytes(content)
    with pytest.raises(UserError, match=says) as caught:
        open_mat(tmp_path / "gt.mat")
    assert "gt.mat" in str(caught.value) and "\n" not in str(caught.value)
    assert {left.name for left in tmp_path.glob("gt.mat.index/*")} <= {".lock"}


def test_mat_files_of_something_else(tmp_path):
    path = tmp_path / "gt.mat"
    scipy.io.savemat(path, {"weights": np.eye(3)})
    with pytest.raises(UserError, match=r"no variable imnames, txt, wordBB, charBB \(there: weights\)"):
        open_mat(path)
    scipy.io.savemat(path, {"imnames": "a.jpg"})
    with pytest.raises(UserError, match="`imnames` is not a cell array"):
        open_mat(path)
    one, two = np.empty((1, 1), object), np.empty((1, 2), object)
    one[0, 0], two[0, :] = "a.jpg", ["a", "b"]
    numbers = np.empty((1, 1), object)
    numbers[0, 0] = boxes(box(0, 0))
    scipy.io.savemat(path, {"imnames": one, "txt": two, "wordBB": numbers, "charBB": numbers})
    with pytest.raises(UserError, match=r"different numbers of images \(imnames 1, txt 2, wordBB 1, charBB 1\)"):
        open_mat(path)


def test_missing_files(tmp_path):
    with pytest.raises(UserError, match="not a folder; set the dataset's `root`"):
        open_dataset(SynthTextDataset(root=str(tmp_path / "nowhere")))
    with pytest.raises(UserError, match=r"neither gt.mat nor .h5 files"):
        open_dataset(SynthTextDataset(root=str(tmp_path)))
    with pytest.raises(UserError, match=r"other.mat: this ground truth is not a file"):
        open_dataset(SynthTextDataset(root=str(tmp_path), gt="other.mat"))
