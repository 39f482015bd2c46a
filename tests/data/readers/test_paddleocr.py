from __future__ import annotations

import json
import logging
import pickle

import numpy as np
import pytest
from label_folders import SQUARE, write_image, write_label

from config.errors import UserError
from config.schema.word_datasets import PaddleOcrDataset
from data.reader import UnreadableSample
from data.readers import open_dataset


def word(text="word", points=SQUARE, **more):
    return {"transcription": text, "points": points, **more}


def line(name, *words):
    return f"{name}\t{json.dumps(list(words), ensure_ascii=False)}"


def make(root, *lines, images=("a.jpg",), label="Label.txt", end="\n"):
    for name in images:
        write_image(root / name)
    write_label(root / label, end.join(lines))


def open_root(root, **options):
    return open_dataset(PaddleOcrDataset(root=str(root), **{"max_dropped": 1.0, **options}))


def test_lines(tmp_path):
    curve = [[10, 10], [20, 8], [30, 10], [30, 20], [20, 18], [10, 20]]
    lines = [
        "\ufeff" + line("ch4/img_61.jpg", word("MASA", [[310, 104], [416, 141], [418, 216], [312, 179]])),
        "",
        line("sub\\b.PNG", word("caf\u0065\u0301"), word("hard", difficult=True), word("*"), word("###"), word("")),
        line("c.jpg", word("curve", curve, difficult=False)),
    ]
    make(tmp_path, *lines, images=("ch4/img_61.jpg", "sub/b.PNG", "c.jpg"), end="\r\n")
    reader = open_root(tmp_path)
    samples = [reader[k] for k in range(3)]
    assert [sample.sample_id for sample in samples] == ["ch4/img_61.jpg", "sub/b.PNG", "c.jpg"]
    assert samples[0].words == ["MASA"] and samples[0].word_quads[0, 2].tolist() == [418, 216]
    assert samples[1].words == ["caf\u00e9", "hard", "*", "###", ""]
    assert samples[1].ignore.tolist() == [False, True, True, True, True]
    np.testing.assert_array_equal(samples[2].word_polygons[0], curve)
    assert not reader.report.dropped and reader.report.words == 7
    assert pickle.loads(pickle.dumps(reader))[2].words == ["curve"]


def test_character_boxes(tmp_path):
    def boxes(count):
        return [[[10 + 5 * k, 10], [15 + 5 * k, 10], [15 + 5 * k, 20], [10 + 5 * k, 20]] for k in range(count)]

    words = [
        word("plain"),
        word("o k", chars=boxes(2)),
        word("three", chars=boxes(3)),
        word("ok", chars=[boxes(1)[0], [[1, 2], [3, 4]]]),
        word("no", chars="no"),
        word("yes", chars=boxes(3)),
    ]
    make(tmp_path, line("a.jpg", *words))
    reader = open_root(tmp_path)
    sample = reader[0]
    assert sample.words == ["plain", "o k", "three", "ok", "no", "yes"] and reader.report.chars == 5
    assert sample.char_words.tolist() == [1, 1, 5, 5, 5]
    np.testing.assert_array_equal(sample.char_quads, boxes(2) + boxes(3))
    assert reader.report.dropped == {
        "char: boxes and characters of the word differ in number": 3,
        "char: `chars` is not a list of quads; the word is without them": 2,
    }
    assert reader.report.examples["char: boxes and characters of the word differ in number"] == [
        "Label.txt line 1, word 3: 3 boxes for 'three'"
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("x", "entry is not a mapping"),
        (word(points=[[1, 2], 3]), "points are not pairs of numbers"),
        ({"transcription": "x"}, "points are not pairs of numbers"),
        (word(7), "transcription is not a text"),
        (word(points=SQUARE[:2]), "outline of fewer than three points"),
        (word(points=[[1, 1]] * 4), "zero or near-zero area"),
    ],
)
def test_a_bad_word_is_counted_with_its_place(tmp_path, bad, reason):
    make(tmp_path, "", line("a.jpg", word("ok"), bad))
    reader = open_root(tmp_path)
    assert reader.annotation(0).words == ["ok"] and reader.report.dropped == {f"word: {reason}": 1}
    assert reader.report.examples[f"word: {reason}"] == ["Label.txt line 2, word 2"]


@pytest.mark.parametrize(
    ("bad", "reason", "detail", "lost"),
    [
        (line("b.jpg", word(), word()), "missing", ": 'b.jpg'", 2),
        (line("a.jpg", word()), "listed twice", ": 'a.jpg'", 1),
        (line("x/a.jpg"), "listed twice", ": 'x/a.jpg'", 1),
        (line("../../b.jpg", word()), "its path leads outside the data root", ": '../../b.jpg'", 1),
        (line("/etc/b.jpg", word()), "its path leads outside the data root", ": '/etc/b.jpg'", 1),
        (line("C:\\b.jpg", word()), "its path leads outside the data root", ": 'C:\\\\b.jpg'", 1),
        (line("", word()), "its label names no file", "", 1),
        (line("..", word()), "its label names no file", ": '..'", 1),
        ("b.jpg [{}]", "its line has no tab after the path", ": 'b.jpg [{}]'", 1),
        ("a.jpg\t[{", "no JSON follows the tab of its line", ": 'a.jpg'", 1),
        ("a.jpg\t" + "[" * 100_000, "no JSON follows the tab of its line", ": 'a.jpg'", 1),
        ("a.jpg\t{}", "the JSON of its line is no list", ": 'a.jpg'", 1),
        (b"\xff\t[]", "its line is not UTF-8", "", 1),
    ],
)
def test_a_bad_image_is_left_out_with_its_words(tmp_path, bad, reason, detail, lost):
    write_image(tmp_path / "a.jpg")
    bad = bad if isinstance(bad, bytes) else bad.encode()
    write_label(tmp_path / "Label.txt", line("a.jpg", word("ok")).encode() + b"\n" + bad)
    reader = open_root(tmp_path)
    assert len(reader) == 1 and reader[0].words == ["ok"]
    assert reader.report.dropped == {f"image: {reason}": 1, "word: its image was left out": lost}
    assert reader.report.examples[f"image: {reason}"] == [f"Label.txt line 2{detail}"]
    with pytest.raises(UserError, match=f"{lost} of {lost + 1} words"):
        open_root(tmp_path, max_dropped=0.01)


def test_paths_may_begin_with_the_folder_that_holds_the_label_file(tmp_path):
    make(tmp_path, line("photos/a.jpg", word()), line("D:/photos/b.jpg", word()), images=("a.jpg", "b.jpg"))
    reader = open_root(tmp_path, images=".")
    assert [reader[k].sample_id for k in range(2)] == ["a.jpg", "b.jpg"]


def test_a_link_out_of_the_root_is_not_followed(tmp_path):
    root = tmp_path / "root"
    make(root, line("a.jpg", word()))
    write_image(tmp_path / "secret.jpg")
    (root / "a.jpg").unlink()
    (root / "a.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(UnreadableSample, match="a link leads outside the data root"):
        open_root(root)[0]
    write_label(root / "Label.txt", line("../secret.jpg", word()) + "\n" + line("a.jpg", word()))
    assert open_root(root).report.dropped["image: its path leads outside the data root"] == 1


def test_several_label_files_select_and_images_without_text(tmp_path, caplog):
    make(tmp_path, line("img/1.jpg", word("one")), line("img/2.jpg"), images=("img/1.jpg", "img/2.jpg", "img/3.jpg"))
    write_label(tmp_path / "more.txt", line("img/3.jpg", word("three")) + "\n" + line("img/4.jpg", word("gone")))
    settings = {"labels": ["Label.txt", "more.txt"]}
    with caplog.at_level(logging.INFO):
        reader = open_root(tmp_path, select="2-3", **settings)
    assert [reader[k].words for k in range(2)] == [[], ["three"]] and not reader.report.dropped
    assert [record.message.split(": ", 1)[1] for record in caplog.records] == [
        "1 images are listed without words and count as images without text"
    ]
    assert len(open_root(tmp_path, samples=2, **settings)) == 2
    with pytest.raises(UserError, match="`select: 8-9` takes none of the 4 images"):
        open_root(tmp_path, select="8-9", **settings)


def test_mistakes_with_files(tmp_path):
    make(tmp_path, line("a.jpg", word()))
    with pytest.raises(UserError, match=r"label.txt: this label file does not exist; did you mean 'Label.txt'"):
        open_root(tmp_path, labels=["label.txt"])
    with pytest.raises(UserError, match="this folder of images does not exist"):
        open_root(tmp_path, images="nowhere")
    write_label(tmp_path / "Label.txt", "")
    with pytest.raises(UserError, match="there is no usable image"):
        open_root(tmp_path)
