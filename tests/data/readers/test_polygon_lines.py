from __future__ import annotations

import zipfile
from collections import Counter

import numpy as np
import pytest
from label_folders import REAL, write_image, write_label

from config.errors import UserError
from config.schema.word_datasets import PolygonDataset
from data.readers import open_dataset

# The second file of the test ground truth, in both published forms.
COMMAS = """\
115,322,503,346,494,426,115,404,nauGHTY
562,347,595,304,651,305,687,360,653,366,637,334,604,332,588,361,nauGHTY
599,419,638,422,637,441,596,437,1996
543,347,583,288,660,288,701,347,691,358,653,308,592,302,557,355,###
"""
RECORDS = """\
x: [[115 503 494 115]], y: [[322 346 426 404]], ornt: [u'm'], transcriptions: [u'nauGHTY']
x: [[562 595 651 687 653
     637 604 588]], y: [[347 304 305 360 366 334
 332 361]], ornt: [u'c'], transcriptions: [u'nauGHTY']
x: [[599 638 637 596]], y: [[419 422 441 437]], ornt: [u'h'], transcriptions: [u'1996']
x: [[543 583 660 701 691 653 592 557]], y: [[347 288 288 347 358 308 302 355]], ornt: [u'#'], transcriptions: [u'#']
"""


def make(root, labels, prefix="gt_"):
    for name, content in labels.items():
        write_image(root / f"images/{name}.jpg", 600, 800)
        write_label(root / f"labels/{prefix}{name}.txt", content)


def open_root(root, **options):
    return open_dataset(PolygonDataset(root=str(root), **options))


def one(root, content, **options):
    make(root, {"img1": content})
    return open_root(root, **{"max_dropped": 1.0, **options})


def test_both_forms_say_the_same(tmp_path):
    commas = one(tmp_path / "a", COMMAS)
    make(tmp_path / "b", {"img1": "\ufeff" + RECORDS.replace("\n", "\r\n")}, "poly_gt_")
    records = open_root(tmp_path / "b")
    first, second = commas[0], records[0]
    assert first.words == ["nauGHTY", "nauGHTY", "1996", "###"] and second.words == [*first.words[:3], "#"]
    assert first.ignore.tolist() == second.ignore.tolist() == [False, False, False, True]
    np.testing.assert_array_equal(first.word_quads, second.word_quads)
    assert [len(polygon) for polygon in first.word_polygons] == [4, 8, 4, 8]
    for left, right in zip(first.word_polygons, second.word_polygons, strict=True):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(first.word_quads[2], [[599, 419], [638, 422], [637, 441], [596, 437]])
    assert first.word_polygons[1][0].tolist() == [562, 347]
    assert not commas.report.dropped and not records.report.dropped and not commas.report.noted


def test_only_quads_have_no_polygons(tmp_path):
    sample = one(tmp_path, COMMAS.splitlines()[0]).annotation(0)
    assert sample.word_polygons is None and len(sample.word_quads) == 1


@pytest.mark.parametrize(
    ("line", "points", "text"),
    [
        ("547,424,669,410,672,437,552,445,Breakfast,Lunch", 4, "Breakfast,Lunch"),  # of the real ground truth
        ("10,10,30,10,30,20,10,20,12,500", 4, "12,500"),
        ("10,10,30,10,30,20,20,25,10,20,7", 5, "7"),
        ("10,10,30,10,30,20,20,25,10,20,", 5, ""),
        ("10.5,10,30,10,30,20,x", 3, "x"),
        ("10,10,30,10,30,20,10,20,one, two, three, 4, 5", 4, "one, two, three, 4, 5"),
    ],
)
def test_where_numbers_end_and_text_begins(tmp_path, line, points, text):
    reader = one(tmp_path, line)
    sample = reader.annotation(0)
    assert sample.words == [text] and not reader.report.dropped
    assert (4 if sample.word_polygons is None else len(sample.word_polygons[0])) == points


@pytest.mark.parametrize(
    ("transcriptions", "text", "ignore"),
    [
        ("[u'the']", "the", False),
        ('[u"don\'t"]', "don't", False),
        (r"[u'caf\xe9 \u2019']", "caf\u00e9 \u2019", False),
        ("[u'Breakfast', u'Lunch']", "Breakfast,Lunch", False),
        ("[u'a]b']", "a]b", False),
        ("[]", "", True),
    ],
)
def test_transcriptions_of_records(tmp_path, transcriptions, text, ignore):
    record = f"x: [[10 30 30 10]], y: [[10, 10, 20, 20]], ornt: [u'h'], transcriptions: {transcriptions}"
    sample = one(tmp_path, record).annotation(0)
    assert sample.words == [text] and sample.ignore.tolist() == [ignore]


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ("text", "not pairs of numbers and a text, separated by commas", ": 'text'"),
        ("10,10,3o,10,30,20,10,20,30,40,x", "not pairs of numbers and a text, separated by commas", ": '3o'"),
        ("537,318,#", "outline of fewer than three points", ""),
        (b"10,10,30,10,30,20,\xff", "line is not UTF-8", ""),
        ("x: [[1 2 3]], y: [[1 2 3]]", "not x, y, ornt and transcriptions", ": 'x: [[1 2 3]], y: [[1 2 3]]'"),
        ("x: [[1 2]], y: [[1 2 3]], ornt: [u'h'], transcriptions: [u'a']", "x and y differ in number", ": 2 and 3"),
        (
            "x: [[1 2 a]], y: [[1 2 3]], ornt: [u'h'], transcriptions: [u'a']",
            "a coordinate is not a number",
            ": 'a'",
        ),
        (
            "x: [[1 2 3]], y: [[1 2 3]], ornt: [u'h'], transcriptions: [open('x')]",
            "transcriptions is not a list of texts",
            ": \"[open('x')]\"",
        ),
        (
            b"x: [[1 2 3]], y: [[1 2 3]], ornt: [u'h'], transcriptions: [u'\xff']",
            "line is not UTF-8",
            "",
        ),
    ],
)
def test_a_bad_line_is_counted_with_its_place(tmp_path, line, reason, detail):
    line = line.encode() if isinstance(line, str) else line
    good = RECORDS.splitlines()[0] if line.startswith(b"x:") else COMMAS.splitlines()[0]
    content = b"\n".join([good.encode(), b"", line, good.encode()])
    reader = one(tmp_path, content)
    assert reader.annotation(0).words == ["nauGHTY", "nauGHTY"]
    assert reader.report.dropped == {f"word: {reason}": 1}
    assert reader.report.examples == {f"word: {reason}": [f"gt_img1.txt line 3{detail}"]}
    with pytest.raises(UserError, match="1 of 3 words"):
        one(tmp_path, content, max_dropped=0.01)


def test_ctw1500(tmp_path):
    lines = [
        "695,885,780,880,866,888,867,1146,780,1140,696,1143,####Latin 9, 10",
        "10,10,30,10,30,20,10,20,#######",
        "10,10,30,10,30,20,10,20,text",
        "10,10,30,10,30,20,10,####text",
    ]
    reader = one(tmp_path, "\n".join(lines), format="ctw1500", label_names=["gt_{name}.txt"])
    sample = reader.annotation(0)
    assert sample.words == ["Latin 9, 10", "###"] and sample.ignore.tolist() == [False, True]
    assert [len(polygon) for polygon in sample.word_polygons] == [6, 4]
    assert reader.report.dropped == {
        "word: not pairs of numbers and a text that begins with ####": 1,
        "word: an odd number of coordinates": 1,
    }


@pytest.mark.skipif(not (REAL / "evaluation").is_dir(), reason="the real Total-Text ground truth is not here")
def test_real_totaltext(tmp_path):
    with zipfile.ZipFile(REAL / "evaluation/totaltext_gt.zip") as archive:
        make(tmp_path, {name[3:-4]: archive.read(name) for name in archive.namelist()})
    reader = open_root(tmp_path)
    samples = [reader.annotation(k) for k in range(len(reader))]
    assert (len(reader), reader.report.words) == (300, 2546)
    assert sum(int(sample.ignore.sum()) for sample in samples) == 331
    assert reader.report.dropped == {"word: outline of fewer than three points": 2}
    places = reader.report.examples["word: outline of fewer than three points"]
    assert places == ["gt_img659.txt line 16", "gt_img664.txt line 5"]
    counts = Counter(len(outline) for sample in samples for outline in sample.word_polygons)
    assert (counts[3], counts[4], counts[5], counts[6], counts[19]) == (3, 1225, 107, 838, 1)
