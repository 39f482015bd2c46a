from __future__ import annotations

import pickle

import numpy as np
import pytest
from label_folders import REAL
from label_folders import make_icdar as make

from config.errors import UserError
from config.schema.word_datasets import IcdarDataset
from data.reader import UnreadableSample
from data.readers import open_dataset, open_datasets

SQUARE = "10,10,30,10,30,20,10,20"
GOOD = {
    "icdar2015": f"{SQUARE},ok",
    "icdar2013": '10, 10, 30, 20, "ok"',
    "icdar2017_mlt": f"{SQUARE},Latin,ok",
}


def open_root(root, **options):
    return open_dataset(IcdarDataset(root=str(root), images="images", labels="labels", **options))


def one(root, content, **options):
    make(root, {"gt_img_1.txt": content})
    return open_root(root, **{"max_dropped": 1.0, **options})


@pytest.mark.skipif(not (REAL / "icdar2015").is_dir(), reason="the real ICDAR 2015 images are not here")
def test_real_icdar2015():
    folders = {"images": "ch4_training_images", "labels": "ch4_training_localization_transcription_gt"}
    reader = open_dataset(IcdarDataset(root=str(REAL / "icdar2015"), **folders))
    assert (len(reader), reader.report.words, reader.report.dropped) == (1000, 11886, {})
    samples = [reader.annotation(k) for k in range(1000)]
    assert sum(int(sample.ignore.sum()) for sample in samples) == 7418
    assert [sample.sample_id for sample in samples] == [f"img_{k}.jpg" for k in range(1, 1001)]
    first = reader[0]
    assert first.image.shape == (720, 1280, 3) and first.words[0] == "Genaxis Theatre"
    np.testing.assert_array_equal(first.word_quads[0], [[377, 117], [463, 117], [465, 130], [378, 130]])
    chosen = open_dataset(IcdarDataset(root=str(REAL / "icdar2015"), select="901-1000", **folders))
    assert len(chosen) == 100 and chosen.annotation(0).sample_id == "img_901.jpg"


@pytest.mark.skipif(not (REAL / "evaluation").is_dir(), reason="the real ICDAR 2013 ground truth is not here")
def test_real_icdar2013(tmp_path):
    import zipfile

    with zipfile.ZipFile(REAL / "evaluation/icdar2013_gt.zip") as archive:
        make(tmp_path, {name: archive.read(name) for name in archive.namelist()})
    reader = open_root(tmp_path, format="icdar2013")
    files = len(list((tmp_path / "labels").iterdir()))
    assert len(reader) == files == 233 and not reader.report.dropped
    sample = reader.annotation(0)
    assert sample.words[0] == "Tiredness"
    np.testing.assert_array_equal(sample.word_quads[0], [[38, 43], [920, 43], [920, 215], [38, 215]])


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_bom_line_ends_and_commas(tmp_path, bom, end):
    lines = [f"{SQUARE},one, two,  three ", "", f"{SQUARE},###", f"{SQUARE},", f"{SQUARE},caf\u0065\u0301 \u2028x"]
    reader = one(tmp_path, bom + end.join(line.encode() for line in lines))
    sample = reader[0]
    assert sample.words == ["one, two,  three", "###", "", "caf\u00e9 \u2028x"]
    assert sample.ignore.tolist() == [False, True, True, False]
    assert sample.image.shape == (40, 60, 3) and len(sample.char_quads) == 0 and not reader.report.dropped


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('10, 10, 30, 20, "Royal"', "Royal"),
        ('10 10 30 20 "Royal"', "Royal"),
        ('10,10,30,20,"a ""b"', 'a ""b'),
        (r'10, 10, 30, 20, "say \"hi\" \\ there, you"', r'say "hi" \ there, you'),
        ("10 10 30 20 two words", "two words"),
        ('10, 10, 30, 20, ""', ""),
        ('10, 10, 30, 20, "', '"'),
    ],
)
def test_icdar2013_lines(tmp_path, line, text):
    sample = one(tmp_path, line + "\r\n", format="icdar2013").annotation(0)
    assert sample.words == [text]
    np.testing.assert_array_equal(sample.word_quads, [[[10, 10], [30, 10], [30, 20], [10, 20]]])


@pytest.mark.parametrize(
    ("file_format", "line", "reason", "detail"),
    [
        ("icdar2015", "1,2,3,4,text", "not 8 numbers and a text, separated by commas", ": '1,2,3,4,text'"),
        ("icdar2015", SQUARE, "not 8 numbers and a text, separated by commas", ": '10,10,30,10,30,20,10,20'"),
        ("icdar2015", "a" + SQUARE + ",text", "a coordinate is not a number", ": 'a10'"),
        ("icdar2015", "nan" + SQUARE[2:] + ",text", "a coordinate is not finite", ""),
        ("icdar2015", "1e99" + SQUARE[2:] + ",text", "a coordinate is beyond a million pixels", ""),
        ("icdar2015", "10,10,30,10,30,10,10,10,text", "zero or near-zero area", ""),
        ("icdar2015", b"\xff\xfe" + SQUARE.encode() + b",text", "line is not UTF-8", ""),
        (
            "icdar2017_mlt",
            SQUARE + ",text",
            "not 8 numbers, a script and a text, separated by commas",
            f": '{SQUARE},text'",
        ),
        ("icdar2013", "10 10 30", "not 4 numbers and a text, separated by commas or spaces", ": '10 10 30'"),
        ("icdar2013", "30, 10, 10, 20, x", "its right or lower edge comes before the other one", ""),
        ("icdar2013", "10, 10, 10, 20, x", "zero or near-zero area", ""),
        ("icdar2013", "10, 10, b, 20, x", "a coordinate is not a number", ": 'b'"),
    ],
)
def test_a_bad_line_is_counted_with_its_place(tmp_path, file_format, line, reason, detail):
    good = GOOD[file_format]
    line = line.encode() if isinstance(line, str) else line
    reader = one(tmp_path, b"\n".join([good.encode(), b"", line, good.encode()]), format=file_format)
    assert reader.annotation(0).words == ["ok", "ok"] and reader.report.words == 2
    assert reader.report.dropped == {f"word: {reason}": 1}
    assert reader.report.examples == {f"word: {reason}": [f"gt_img_1.txt line 3{detail}"]}
    with pytest.raises(UserError, match=r"1 of 3 words .*gt_img_1.txt line 3.*`max_dropped`"):
        one(tmp_path, b"\n".join([good.encode(), b"", line, good.encode()]), format=file_format, max_dropped=0.3)


def test_corners_are_put_clockwise_with_the_first_kept(tmp_path):
    upright = [[10, 10], [30, 12], [30, 20], [10, 20]]
    backwards = [upright[k] for k in (0, 3, 2, 1)]
    crossing = [upright[k] for k in (0, 1, 3, 2)]
    crossing_too = [upright[k] for k in (0, 2, 1, 3)]
    turned = [upright[k] for k in (2, 3, 0, 1)]  # clockwise text upside down: left alone
    each = [upright, backwards, crossing, crossing_too, turned]
    lines = [",".join(str(v) for point in quad for v in point) + ",x" for quad in each]
    reader = one(tmp_path, "\n".join(lines))
    quads = reader.annotation(0).word_quads
    np.testing.assert_array_equal(quads[:4], [upright] * 4)
    np.testing.assert_array_equal(quads[4], turned)
    assert reader.report.dropped == {} and reader.report.noted == {
        "word: sides crossed, corners put in order": 2,
        "word: counter-clockwise, corners put in order": 1,
    }
    assert "noted           2  word: sides crossed, corners put in order  (e.g. gt_img_1.txt line 3; " in (
        reader.report.table()
    )


def test_boxes_outside_the_image_are_kept_and_noted_once(tmp_path):
    reader = one(tmp_path, "-90,10,-70,10,-70,20,-90,20,x\n910,10,930,10,930,20,910,20,y\n-5,10,70,10,70,20,-5,20,z")
    assert reader.report.noted == {"word: outside the image": 1}
    for _ in range(2):
        assert reader[0].words == ["x", "y", "z"] and reader[0].word_quads[2, 1].tolist() == [70, 10]
    assert reader.report.noted == {"word: outside the image": 2} and not reader.report.dropped
    assert reader.report.examples == {"word: outside the image": ["gt_img_1.txt line 1", "img_1.jpg"]}


def test_mlt_lines(tmp_path):
    lines = (
        f"{SQUARE},Arabic,\u0645\u0631\u062d\u0628\u0627\n{SQUARE},Latin,one, two\n{SQUARE},None,###\n{SQUARE},Latin,"
    )
    sample = one(tmp_path, "\ufeff" + lines, format="icdar2017_mlt").annotation(0)
    assert sample.words == ["\u0645\u0631\u062d\u0628\u0627", "one, two", "###", ""]
    assert sample.ignore.tolist() == [False, False, True, True]


def test_an_unreadable_image_is_named(tmp_path):
    reader = one(tmp_path, f"{SQUARE},x")
    (tmp_path / "images/img_1.jpg").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(UnreadableSample, match=r"img_1.jpg: image: not decodable, it is a Git LFS pointer"):
        reader[0]
    assert reader.annotation(0).words == ["x"]


def test_fingerprint_and_pickle(tmp_path):
    first = one(tmp_path / "a", f"{SQUARE},x")
    assert one(tmp_path / "b", f"{SQUARE},x\r\n").fingerprint() == first.fingerprint()
    assert one(tmp_path / "c", f"{SQUARE},y").fingerprint() != first.fingerprint()
    assert one(tmp_path / "d", f"1{SQUARE},x").fingerprint() != first.fingerprint()
    assert pickle.loads(pickle.dumps(first))[0].words == ["x"]


def test_several_datasets_as_one(tmp_path):
    configs = []
    for name, count in (("a", 2), ("b", 3)):
        labels = {f"gt_img_{k}.txt": f"{SQUARE},{name}{k}\nbroken" for k in range(count)}
        make(tmp_path / name, labels)
        folders = {"images": "images", "labels": "labels", "max_dropped": 0.5}
        configs.append(IcdarDataset(root=str(tmp_path / name), **folders))
    joined = open_datasets(configs)
    assert len(joined) == 5
    assert [joined.annotation(k).words[0] for k in range(5)] == ["a0", "a1", "b0", "b1", "b2"]
    assert joined[-1].words == ["b2"] and joined[4].image.shape == (40, 60, 3)
    for index in (5, -6):
        with pytest.raises(IndexError):
            joined[index]
    report = joined.report
    assert (report.images, report.words) == (5, 5)
    assert list(report.dropped.values()) == [5] and [len(places) for places in report.examples.values()] == [3]
    assert "dropped         5  word: not 8 numbers" in report.table()
    assert joined.fingerprint() != open_datasets(configs[::-1]).fingerprint()
    assert pickle.loads(pickle.dumps(joined)).fingerprint() == joined.fingerprint()
    assert len(open_datasets(configs[:1])) == 2
    with pytest.raises(UserError, match=r"train\.datasets"):
        open_datasets([])


def test_a_word_knows_the_line_it_is_written_in(tmp_path):
    flat = "1,1,9,1,9,1,1,1,flat"
    make(tmp_path, {"gt_img_1.txt": f"{SQUARE},a", "gt_img_2.txt": f"\n{flat}\n{SQUARE},b\n{SQUARE},c"})
    reader = open_root(tmp_path, max_dropped=1.0)
    assert [reader.place(1, word) for word in range(2)] == ["gt_img_2.txt line 3", "gt_img_2.txt line 4"]
    chosen = open_root(tmp_path, max_dropped=1.0, select="2-2")
    assert chosen.place(0, 1) == "gt_img_2.txt line 4"
    # The processes of a loader are not sent it, and are the same reader.
    assert pickle.loads(pickle.dumps(reader)).fingerprint() == reader.fingerprint()
